import CShims
import Dispatch
import Glibc
import Synchronization
import Terminal

/// Takes SIGTERM and SIGINT on a thread of its own, and sees whether the pools of threads that do all the work still run
/// anything. With too little address space or too few threads they stop without a word, and everything that waits in
/// them, answers to signals included, with them.
enum ProcessGuard {
    private struct State {
        var received: Int32?
        var count = 0
        var action: (@Sendable () -> Void)?
        /// Intervals since a sign of life was asked for; nil while none is.
        var silent: Int?
        var watchesPool = true
    }

    private static let state = Mutex(State())

    /// Between two looks, in seconds.
    private static let interval: Int32 = 5
    /// After this many intervals without a sign of life the process ends: when it was asked to, and when not.
    private static let patience = (stopping: 3, running: 120)
    /// Address space that must be left beside the threads, in bytes.
    private static let addressSpace = 256 << 20

    /// Tries whether the machine gives the process the threads and the address space that its pools take.
    ///
    /// - Throws: ``Failure`` where it does not.
    static func requireThreads() throws(Failure) {
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let threads = Int32(clamping: min(64, 2 * cores + 12))
        let failure = salvage_can_start_threads(threads, addressSpace)
        guard failure == 0 else {
            throw Failure(
                "machine_short",
                "this machine does not let the process have \(threads) threads and their memory: "
                    + String(cString: strerror(failure)),
                hint: "raise ulimit -v, ulimit -u or the unit's TasksMax; nothing is lost yet", status: .tryAgain)
        }
    }

    /// Begins, on the main thread, before any other thread is there.
    ///
    /// - Throws: ``Failure`` when the machine gives too little to work with.
    static func begin() throws(Failure) {
        try requireThreads()
        guard salvage_hold_stop_signals() == 0, salvage_start_thread({ ProcessGuard.run() }) == 0 else {
            throw Failure("machine_short", "cannot start a thread", status: .tryAgain)
        }
    }

    /// What to do when a signal comes; done at once if one came before.
    static func whenStopped(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.action = action
            return state.received != nil
        }
        if isLate { action() }
    }

    /// The first signal that came.
    static var received: Int32? { state.withLock { $0.received } }

    /// What is left to do waits for whoever reads the output, and may do so.
    static func leavePoolAlone() { state.withLock { $0.watchesPool = false } }

    private static func run() {
        while true {
            let number = salvage_await_stop(interval)
            if number != 0 { receive(number) } else { look() }
        }
    }

    private static func receive(_ number: Int32) {
        let (action, count) = state.withLock { state in
            state.received = state.received ?? number
            state.count += 1
            return (state.action, state.count)
        }
        if count > 1, number == SIGINT { _exit(ExitStatus.interrupted.rawValue) }
        // Nothing has begun that could be finished.
        guard let action else { _exit(128 + number) }
        action()
    }

    private static func look() {
        let (asks, ends) = state.withLock { state -> (Bool, Bool) in
            guard state.watchesPool else { return (false, false) }
            guard let silent = state.silent else {
                state.silent = 0
                return (true, false)
            }
            state.silent = silent + 1
            let most = state.received == nil ? patience.running : patience.stopping
            return (false, silent + 1 >= most)
        }
        if asks {
            // Both pools must run something for there to be a sign of life.
            Task.detached {
                DispatchQueue.global().async { state.withLock { $0.silent = nil } }
            }
        }
        guard ends else { return }
        Failure(
            "machine_short", "the process gets no threads to work with any more, and ends",
            hint: "raise ulimit -v, ulimit -u or the unit's TasksMax; what was downloaded stays in the spool",
            status: .tryAgain
        ).report(json: false, style: Style(choice: .never, descriptor: STDERR_FILENO))
        _exit(ExitStatus.tryAgain.rawValue)
    }
}

/// SIGTERM and SIGINT as a request to end; a second SIGINT ends at once.
final class StopSignals: Sendable {
    /// What to do when a signal comes; done at once if one came before.
    func whenStopped(_ action: @escaping @Sendable () -> Void) { ProcessGuard.whenStopped(action) }

    /// The first signal that came.
    var received: Int32? { ProcessGuard.received }
}
