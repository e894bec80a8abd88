internal import Glibc

/// Coordinates workers: one queue of batches, and results in order.
///
/// There is no collector thread. The worker that delivers the next batch in order passes it, and the finished ones
/// after it, to the merger. Waking another thread for each batch would cost as much as scanning some of them.
final class OrderedResults<Source: SearchSource, Sink: SearchSink>: @unchecked Sendable {
    // Unchecked: the queue is used under its lock, the results under theirs, the merger by the thread that set
    // `isDraining`.
    private let queueLock = Lock()
    private var queue: WorkQueue<Source>
    private var exhausted = false
    private let lock = Lock()
    private var results: [Int: [UnitResult<Sink.Renderer.Block>]] = [:]
    private var nextToTake = 0
    private var isDraining = false
    private var stopped = false
    private var merger: SearchResultMerger<Sink>
    private let isCancelled: @Sendable () -> Bool
    private var wasCancelled = false

    /// Most batches finished ahead of the next one in order; bounds memory.
    private static var window: Int { 64 }

    /// - Parameter isCancelled: asked before each batch; once it returns true, no batch is taken.
    init(
        _ queue: WorkQueue<Source>, _ merger: SearchResultMerger<Sink>,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.queue = queue
        self.merger = merger
        self.isCancelled = isCancelled
    }

    /// Whether no batch is left or needed.
    var isOver: Bool { lock.held { stopped } || queueLock.held { exhausted } }

    /// Takes the next batch; nil at the end.
    func takeBatch() -> ScanBatch<Source>? {
        guard !lock.held({ stopped }) else { return nil }
        return queueLock.held {
            guard !exhausted else { return nil }
            if isCancelled() {
                (exhausted, wasCancelled) = (true, true)
                return nil
            }
            let batch = queue.next()
            if batch == nil { exhausted = true }
            return batch
        }
    }

    /// Delivers the results of a batch. Waits while it is too far ahead of the next batch in order.
    func deliver(_ batch: [UnitResult<Sink.Renderer.Block>], _ sequence: Int) {
        lock.held {
            while !stopped, sequence >= nextToTake + Self.window { lock.wait() }
            guard !stopped else { return }
            results[sequence] = batch
            guard !isDraining else { return }
            isDraining = true
            while !stopped, let ready = results.removeValue(forKey: nextToTake) {
                nextToTake += 1
                lock.released { drain(ready) }
                if merger.isFinished { stopped = true }
                lock.wakeAll()
            }
            isDraining = false
        }
    }

    private func drain(_ ready: [UnitResult<Sink.Renderer.Block>]) {
        let closed = merger.closedThrough
        for result in ready where !merger.isFinished { merger.take(result) }
        if !merger.isFinished { merger.flushIfDue() }
        let sessions = merger.takeClosedSessions()
        guard merger.closedThrough != closed || !sessions.isEmpty else { return }
        let through = merger.closedThrough
        queueLock.held { queue.close(through: through, sessions) }
    }

    /// Ends the output. Call it once, when all workers have ended.
    func finish() -> (SearchReport, Sink) {
        var report = queue.report
        report.isCancelled = wasCancelled
        return merger.finish(report)
    }
}

/// A mutex with a condition variable.
final class Lock: @unchecked Sendable {
    // Unchecked: the C objects are thread-safe.
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

    /// Releases the lock while `body` runs; call it while held.
    func released(_ body: () -> Void) {
        pthread_mutex_unlock(mutex)
        defer { pthread_mutex_lock(mutex) }
        body()
    }

    /// Sleeps until woken; call it while held.
    func wait() { pthread_cond_wait(condition, mutex) }

    func wakeAll() { pthread_cond_broadcast(condition) }
}
