import CProcess
import Dispatch
import Glibc
import Synchronization

/// Handles SIGTERM and SIGINT on a thread of its own, and checks that the thread pools that do all the work still run.
/// With too little address space or too few threads the pools stop silently, and everything that waits in them stops
/// too, signal handlers included.
///
/// It never ends the process itself: the closure given to ``begin(end:)`` does.
public enum ProcessGuard {
    /// Why the process must end at once, whatever is running.
    public enum Ending: Sendable {
        /// A stop signal arrived before there was anything that must be finished.
        case stopped(signal: Int32)
        /// SIGINT arrived, and a stop signal had arrived before.
        case interrupted
        /// The thread pools have stopped. The error, with `machineShort`, says so.
        case poolsStopped(HarvestError)
    }

    private struct State {
        var received: Int32?
        var count = 0
        var action: (@Sendable () -> Void)?
        var end: (@Sendable (Ending) -> Never)?
        /// Intervals since the pools were asked for a sign of life; nil when none is pending.
        var silent: Int?
        var watchesPool = true
    }

    private static let state = Mutex(State())

    /// Interval between two checks, in seconds.
    private static let interval: Int32 = 5
    /// Intervals without a sign of life after which the process must end: after a stop signal, and without one.
    private static let patience = (stopping: 3, running: 120)
    /// Address space that must be free besides the threads' own, in bytes.
    private static let addressSpace = 256 << 20

    /// Checks that the process can get the threads and the address space that its pools need.
    ///
    /// - Throws: ``HarvestError`` with `machineShort` when it cannot.
    public static func requireThreads() throws(HarvestError) {
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let threads = Int32(clamping: min(64, 2 * cores + 12))
        let failure = salvage_can_start_threads(threads, addressSpace)
        guard failure == 0 else {
            throw HarvestError(
                .machineShort,
                "cannot start the \(threads) threads that salvage needs: "
                    + String(cString: strerror(failure)),
                hint: "raise ulimit -v, ulimit -u or the unit's TasksMax; nothing is lost yet")
        }
    }

    /// Starts the guard. Call it once, on the main thread, before there are other threads.
    ///
    /// - Parameter end: ends the process. It runs on the guard's thread.
    /// - Throws: ``HarvestError`` with `machineShort` when the process cannot get the threads that it needs.
    public static func begin(end: @escaping @Sendable (Ending) -> Never) throws(HarvestError) {
        try requireThreads()
        state.withLock { $0.end = end }
        guard salvage_hold_stop_signals() == 0, salvage_start_thread({ ProcessGuard.run() }) == 0 else {
            throw HarvestError(.machineShort, "cannot start a thread")
        }
    }

    /// Sets what to do when a stop signal arrives; does it at once if one has already arrived.
    ///
    /// - Parameter action: runs on the guard's thread, or on the caller's. A second stop signal calls it again.
    public static func whenStopped(_ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.action = action
            return state.received != nil
        }
        if isLate { action() }
    }

    /// The number of the first stop signal that arrived; nil when none did.
    public static var received: Int32? { state.withLock { $0.received } }

    /// Stops checking the pools: the rest waits for the reader of the output, however long that takes.
    public static func leavePoolAlone() { state.withLock { $0.watchesPool = false } }

    private static func run() {
        while true {
            let number = salvage_await_stop(interval)
            if number != 0 { receive(number) } else { look() }
        }
    }

    private static func receive(_ number: Int32) {
        let (action, count, end) = state.withLock { state in
            state.received = state.received ?? number
            state.count += 1
            return (state.action, state.count, state.end)
        }
        // `begin` sets it before it starts this thread.
        guard let end else { return }
        if count > 1, number == SIGINT { end(.interrupted) }
        // Without an action, nothing has started that must be finished.
        if let action { action() } else { end(.stopped(signal: number)) }
    }

    private static func look() {
        let (asks, end) = state.withLock { state -> (Bool, (@Sendable (Ending) -> Never)?) in
            guard state.watchesPool else { return (false, nil) }
            guard let silent = state.silent else {
                state.silent = 0
                return (true, nil)
            }
            state.silent = silent + 1
            let most = state.received == nil ? patience.running : patience.stopping
            return (false, silent + 1 >= most ? state.end : nil)
        }
        if asks {
            // A sign of life needs both pools to run something.
            Task.detached {
                DispatchQueue.global().async { state.withLock { $0.silent = nil } }
            }
        }
        guard let end else { return }
        end(
            .poolsStopped(
                HarvestError(
                    .machineShort, "exiting: the system refused to start more threads",
                    hint: "raise ulimit -v, ulimit -u or the unit's TasksMax; what was downloaded stays in the spool")))
    }
}
