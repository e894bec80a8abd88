internal import Dispatch
internal import Synchronization

/// The bridge from blocking callers to the asynchronous HTTP client: work that runs in a task, and the thread that waits
/// for its result.
///
/// The waiting thread is a caller's own, never one of Swift concurrency's: those are as few as there are cores, and the
/// task could then have none to run on. The work must be bounded in time by itself.
final class PendingCall<Value: Sendable>: Sendable {
    private final class Slot: Sendable {
        let value = Mutex<Value?>(nil)
        let isFilled = DispatchSemaphore(value: 0)
    }

    private let slot: Slot
    private let task: Task<Void, Never>

    /// Starts the work.
    init(_ work: @escaping @Sendable () async -> Value) {
        let slot = Slot()
        self.slot = slot
        task = Task {
            let value = await work()
            slot.value.withLock { $0 = value }
            slot.isFilled.signal()
        }
    }

    /// Waits for the result. May be called more than once.
    func wait() -> Value {
        while true {
            slot.isFilled.wait()
            // For the next call.
            slot.isFilled.signal()
            if let value = slot.value.withLock({ $0 }) { return value }
        }
    }

    /// Asks the work to end early; ``wait()`` then returns what it returns.
    func cancel() { task.cancel() }
}
