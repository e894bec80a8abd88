internal import Glibc

/// The meeting point of workers and the thread that puts results in order.
final class SearchHub<Source: SearchSource>: @unchecked Sendable {
    // Unchecked: every member is used under `lock` only.
    private let lock = Lock()
    private var queue: WorkQueue<Source>
    private var results: [Int: [UnitResult]] = [:]
    private var nextToTake = 0
    private var workers = 0
    private var ended = 0
    private var exhausted = false
    private var stopped = false

    /// Batches that may be finished ahead of the one awaited; bounds memory.
    private static var window: Int { 32 }

    init(_ queue: WorkQueue<Source>) { self.queue = queue }

    var isExhausted: Bool { lock.held { exhausted } }
    var queueReport: SearchReport { lock.held { queue.report } }

    func takeBatch(closedThrough: Int? = nil) -> ScanBatch<Source>? {
        lock.held {
            if let closedThrough { queue.closedThrough = max(queue.closedThrough, closedThrough) }
            guard !stopped, !exhausted else { return nil }
            guard let batch = queue.next() else {
                exhausted = true
                lock.wakeAll()
                return nil
            }
            return batch
        }
    }

    /// A batch that was taken care of without being delivered.
    func skip(_ sequence: Int) { lock.held { nextToTake = sequence + 1 } }

    func deliver(_ batch: [UnitResult], _ sequence: Int) {
        lock.held {
            while !stopped, sequence >= nextToTake + Self.window { lock.wait() }
            results[sequence] = batch
            lock.wakeAll()
        }
    }

    func workerEnded() {
        lock.held {
            ended += 1
            lock.wakeAll()
        }
    }

    func expect(_ count: Int) { lock.held { workers = count } }

    func stop() {
        lock.held {
            stopped = true
            lock.wakeAll()
        }
    }

    /// The results of the next batch in order; nil at the end. Before it sleeps it lets the output be flushed.
    func nextResults(closedThrough: Int, flush: () -> Void) -> [UnitResult]? {
        var flushed = false
        while true {
            var mustFlush = false
            let taken: [UnitResult]?? = lock.held {
                queue.closedThrough = max(queue.closedThrough, closedThrough)
                while true {
                    if !stopped, let ready = results.removeValue(forKey: nextToTake) {
                        nextToTake += 1
                        lock.wakeAll()
                        return .some(ready)
                    }
                    if ended == workers { return .some(nil) }
                    if !flushed {
                        mustFlush = true
                        return nil
                    }
                    lock.wait()
                }
            }
            if mustFlush {
                flush()
                flushed = true
                continue
            }
            return taken ?? nil
        }
    }
}

/// A mutex with a condition, for threads of our own.
final class Lock: @unchecked Sendable {
    // Unchecked: the C objects are made for use from several threads.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    func held<T>(_ body: () throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Sleeps until woken; call it while held.
    func wait() { pthread_cond_wait(condition, mutex) }

    func wakeAll() { pthread_cond_broadcast(condition) }
}

/// Gives a value that only one thread will use to that thread.
struct Handover<Value>: @unchecked Sendable {
    // Unchecked: the giver does not touch the value again.
    let value: Value

    init(_ value: Value) { self.value = value }
}

/// Threads of our own: decoding blocks would block the Swift concurrency pool.
final class Crew {
    private var threads: [pthread_t] = []

    var count: Int { threads.count }

    /// Starts one thread; where the system refuses, there is one less.
    func start(_ body: @escaping @Sendable () -> Void) {
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
    }

    func join() {
        for thread in threads { pthread_join(thread, nil) }
        threads.removeAll()
    }
}
