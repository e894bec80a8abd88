import CProcess
import Dispatch
import Glibc
import Synchronization
import Terminal

/// Handles SIGTERM and SIGINT on a thread of its own, and checks that the thread pools that do all the work still run.
/// With too little address space or too few threads the pools stop silently, and everything that waits in them stops
/// too, signal handlers included.
enum ProcessGuard {
    private struct State {
        var received: Int32?
        var count = 0
        var action: (@Sendable () -> Void)?
        /// Intervals since the pools were asked for a sign of life; nil when none is pending.
        var silent: Int?
        var watchesPool = true
        var isDaemon = false
    }

    private static let state = Mutex(State())

    /// Interval between two checks, in seconds.
    private static let interval: Int32 = 5
    /// Intervals without a sign of life after which the process exits: after a stop signal, and without one.
    private static let patience = (stopping: 3, running: 120)
    /// Address space that must be free besides the threads' own, in bytes.
    private static let addressSpace = 256 << 20

    /// Checks that the process can get the threads and the address space that its pools need.
    ///
    /// - Throws: ``Failure`` when it cannot.
    static func requireThreads() throws(Failure) {
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let threads = Int32(clamping: min(64, 2 * cores + 12))
        let failure = salvage_can_start_threads(threads, addressSpace)
        guard failure == 0 else {
            throw Failure(
                "machine_short",
                "cannot start the \(threads) threads that salvage needs: "
                    + String(cString: strerror(failure)),
                hint: "raise ulimit -v, ulimit -u or the unit's TasksMax; nothing is lost yet", status: .tryAgain)
        }
    }

    /// Starts the guard. Call it on the main thread, before there are other threads.
    ///
    /// - Parameter isDaemon: whether SIGTERM is how the process is meant to end, so that one that arrives during the start is
    ///   no error to a service manager.
    /// - Throws: ``Failure`` when the process cannot get the threads that it needs.
    static func begin(isDaemon: Bool) throws(Failure) {
        try requireThreads()
        state.withLock { $0.isDaemon = isDaemon }
        guard salvage_hold_stop_signals() == 0, salvage_start_thread({ ProcessGuard.run() }) == 0 else {
            throw Failure("machine_short", "cannot start a thread", status: .tryAgain)
        }
    }

    /// Sets what to do when a signal arrives; does it at once if one has already arrived.
    static func whenStopped(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.action = action
            return state.received != nil
        }
        if isLate { action() }
    }

    /// The first signal that arrived.
    static var received: Int32? { state.withLock { $0.received } }

    /// Stops checking the pools: the rest waits for the reader of the output, however long that takes.
    static func leavePoolAlone() { state.withLock { $0.watchesPool = false } }

    private static func run() {
        while true {
            let number = salvage_await_stop(interval)
            if number != 0 { receive(number) } else { look() }
        }
    }

    private static func receive(_ number: Int32) {
        let (action, count, isDaemon) = state.withLock { state in
            state.received = state.received ?? number
            state.count += 1
            return (state.action, state.count, state.isDaemon)
        }
        if count > 1, number == SIGINT { _exit(ExitStatus.interrupted.rawValue) }
        // Nothing has started that must be finished.
        guard let action else { _exit(isDaemon && number == SIGTERM ? 0 : 128 + number) }
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
            // A sign of life needs both pools to run something.
            Task.detached {
                DispatchQueue.global().async { state.withLock { $0.silent = nil } }
            }
        }
        guard ends else { return }
        Failure(
            "machine_short", "exiting: the system refused to start more threads",
            hint: "raise ulimit -v, ulimit -u or the unit's TasksMax; what was downloaded stays in the spool",
            status: .tryAgain
        ).report(json: false, style: Style(choice: .never, descriptor: STDERR_FILENO))
        _exit(ExitStatus.tryAgain.rawValue)
    }
}

/// Takes SIGTERM and SIGINT as a request to stop; a second SIGINT exits at once.
final class StopSignals: Sendable {
    /// Sets what to do when a signal arrives; does it at once if one has already arrived.
    func whenStopped(_ action: @escaping @Sendable () -> Void) { ProcessGuard.whenStopped(action) }

    /// The first signal that arrived.
    var received: Int32? { ProcessGuard.received }
}
