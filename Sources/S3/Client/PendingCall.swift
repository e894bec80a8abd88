internal import AsyncHTTPClient
internal import Dispatch
internal import NIOCore
internal import Synchronization

/// The bridge from blocking callers to the asynchronous HTTP client: work that runs in a task, and the thread that waits
/// for its result.
///
/// The waiting thread should be a caller's own. The task does not run on the threads of Swift's concurrency pool but on an
/// event loop: those are as few as there are cores, and if callers blocked all of them, no task of the pool could end the
/// wait. The work must be bounded in time by itself, and must not block.
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
        task = Task(executorPreference: LoopExecutor.shared) {
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

/// Runs tasks on one of the event loops that the HTTP client uses.
final class LoopExecutor: TaskExecutor {
    static let shared = LoopExecutor(HTTPClient.defaultEventLoopGroup.next())

    private let loop: any EventLoop

    private init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Waits without a thread; false if the task was cancelled meanwhile. `Task.sleep` ends on the pool, which may be
    /// blocked.
    func pause(milliseconds: Int64) async -> Bool {
        let timer = Mutex<Scheduled<Void>?>(nil)
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let scheduled = loop.scheduleTask(in: .milliseconds(milliseconds)) {}
                // Also called when the timer is cancelled.
                scheduled.futureResult.whenComplete { _ in continuation.resume() }
                timer.withLock { $0 = scheduled }
                if Task.isCancelled { scheduled.cancel() }
            }
        } onCancel: {
            timer.withLock { $0?.cancel() }
        }
        return !Task.isCancelled
    }
}
