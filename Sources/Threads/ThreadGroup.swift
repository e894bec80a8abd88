internal import Glibc

/// A group of threads for work that would block the Swift concurrency pool. One thread uses it.
public final class ThreadGroup {
    private var threads: [pthread_t] = []

    /// Creates a group without threads.
    public init() {}

    /// Starts one thread with the system's default stack; false when the system refuses.
    @discardableResult
    public func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        final class Job: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let job = Unmanaged.passRetained(Job(body))
        let failed = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, job.toOpaque())
        if failed == 0 { threads.append(thread) } else { job.release() }
        return failed == 0
    }

    /// Waits until all threads have ended. Call it before the group is released.
    public func join() {
        for thread in threads { pthread_join(thread, nil) }
        threads.removeAll()
    }
}
