import Glibc

/// A mutex and its two conditions, at fixed addresses as pthread requires.
private final class Monitor {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let space = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        work.initialize(to: pthread_cond_t())
        space.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(work, nil)
        pthread_cond_init(space, nil)
    }

    deinit {
        pthread_cond_destroy(space)
        pthread_cond_destroy(work)
        pthread_mutex_destroy(mutex)
        space.deallocate()
        work.deallocate()
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }
    func waitForWork() { pthread_cond_wait(work, mutex) }
    func waitForSpace() { pthread_cond_wait(space, mutex) }
    func signalWork() { pthread_cond_signal(work) }
    func broadcastWork() { pthread_cond_broadcast(work) }
    func signalSpace() { pthread_cond_broadcast(space) }
}

/// Compresses blocks on several threads and commits them in the order in which they were submitted.
///
/// One producer calls `acquire`, `submit`, `drain` and `stop`. The worker that finishes the next block in order commits
/// it, so there is no writer thread. Threads start with the second block: a small pack needs none.
final class CompressPipeline: @unchecked Sendable {
    private let monitor = Monitor()
    private let options: PackOptions
    private let inspector: (any BlockInspector)?
    private let commit: (BlockJob) throws(PackError) -> Void
    private let depth: Int

    // Guarded by the monitor.
    private var ring: [BlockJob?]
    private var free: [BlockJob] = []
    private var submitted = 0
    private var taken = 0
    private var committed = 0
    private var committing = false
    private var stopping = false
    private var failure: PackError?

    // Used by the producer only.
    private var threads: [pthread_t] = []
    private var threadsTried = false
    private var bench: BlockWorkbench?

    /// `commit` is called in order, by one thread at a time, though not always the same one.
    init(
        _ options: PackOptions, inspector: (any BlockInspector)?,
        commit: @escaping (BlockJob) throws(PackError) -> Void
    ) {
        self.options = options
        self.inspector = inspector
        self.commit = commit
        depth = options.workers + 4
        ring = Array(repeating: nil, count: depth)
    }

    /// An empty block for the producer to fill.
    func acquire() -> BlockJob {
        monitor.lock()
        let job = free.popLast()
        monitor.unlock()
        return job ?? BlockJob()
    }

    /// Takes back a block that was not submitted.
    func recycle(_ job: BlockJob) {
        job.reset()
        monitor.lock()
        free.append(job)
        monitor.unlock()
    }

    /// Submits a filled block; waits while `depth` blocks are in progress. Throws the first failure of any block.
    func submit(_ job: BlockJob) throws(PackError) {
        monitor.lock()
        while submitted - committed >= depth, failure == nil {
            if threads.isEmpty {
                monitor.unlock()
                workInline()
                monitor.lock()
            } else {
                monitor.waitForSpace()
            }
        }
        if let failure {
            monitor.unlock()
            throw failure
        }
        ring[submitted % depth] = job
        submitted += 1
        let first = submitted == 1
        monitor.signalWork()
        monitor.unlock()
        if !first, !threadsTried { startThreads() }
        if threads.isEmpty, threadsTried { workInline() }
    }

    /// Waits until all submitted blocks are committed. Throws the first failure of any block.
    func drain() throws(PackError) {
        if threads.isEmpty { workInline() }
        monitor.lock()
        while (committed < submitted && failure == nil) || committing { monitor.waitForSpace() }
        let failure = self.failure
        monitor.unlock()
        if let failure { throw failure }
    }

    /// Ends the threads; blocks not yet taken by a worker are dropped.
    func stop() {
        monitor.lock()
        stopping = true
        monitor.broadcastWork()
        monitor.unlock()
        for thread in threads { pthread_join(thread, nil) }
        threads = []
        threadsTried = true
    }

    private func startThreads() {
        threadsTried = true
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        // The default stack of 8 MiB per thread is too much under a limit on address space.
        pthread_attr_setstacksize(&attributes, 1 << 20)
        for _ in 0..<options.workers {
            var thread = pthread_t()
            let me = Unmanaged.passRetained(self)
            let started = pthread_create(
                &thread, &attributes,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<CompressPipeline>.fromOpaque(argument).takeRetainedValue().work()
                    return nil
                }, me.toOpaque())
            if started == 0 {
                threads.append(thread)
            } else {
                // Without threads, the producer does the work.
                me.release()
                break
            }
        }
        pthread_attr_destroy(&attributes)
    }

    private func work() {
        var bench: BlockWorkbench?
        while let job = take(waiting: true) {
            do throws(PackError) {
                try workbench(&bench).process(job)
            } catch {
                job.failure = error
            }
            finish(job)
        }
    }

    private func workInline() {
        while let job = take(waiting: false) {
            do throws(PackError) {
                try workbench(&bench).process(job)
            } catch {
                job.failure = error
            }
            finish(job)
        }
    }

    private func workbench(_ bench: inout BlockWorkbench?) throws(PackError) -> BlockWorkbench {
        if let bench { return bench }
        let made = try BlockWorkbench(options, inspector: inspector)
        bench = made
        return made
    }

    private func take(waiting: Bool) -> BlockJob? {
        monitor.lock()
        defer { monitor.unlock() }
        while taken == submitted, !stopping, waiting { monitor.waitForWork() }
        guard taken < submitted, !stopping else { return nil }
        let job = ring[taken % depth]
        taken += 1
        return job
    }

    private func finish(_ job: BlockJob) {
        monitor.lock()
        job.done = true
        if committing {
            monitor.unlock()
            return
        }
        committing = true
        while committed < taken, let next = ring[committed % depth], next.done {
            let dead = failure ?? next.failure
            monitor.unlock()
            var failed = dead
            if dead == nil {
                do throws(PackError) { try commit(next) } catch { failed = error }
            }
            next.reset()
            monitor.lock()
            if failure == nil { failure = failed }
            ring[committed % depth] = nil
            committed += 1
            free.append(next)
            monitor.signalSpace()
        }
        committing = false
        monitor.signalSpace()
        monitor.unlock()
    }
}
