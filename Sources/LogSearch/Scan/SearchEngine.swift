internal import CLogScan
internal import Glibc
internal import Threads

/// Searches sources: one queue of units, one worker per core, results in order through a bounded window.
public struct SearchEngine<Source: SearchSource>: Sendable {
    private let pattern: SearchPattern
    private var options: SearchOptions
    private let threads: SearchThreads?
    private let isCancelled: @Sendable () -> Bool

    /// Creates an engine for one pattern.
    ///
    /// - Parameters:
    ///   - threads: the threads that it shares with other searches; nil if it may start as many as `options` say.
    ///   - isCancelled: asked before each block; the search ends once it returns true. Called on several threads.
    public init(
        pattern: SearchPattern, options: SearchOptions, threads: SearchThreads? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.pattern = pattern
        self.options = options
        self.options.spansLines = pattern.spansLines
        self.threads = threads
        self.isCancelled = isCancelled
    }

    /// Runs the search on the calling thread and its own workers; returns when the sink has all results.
    ///
    /// Blocks the calling thread: call it outside the Swift concurrency pool.
    /// - Parameters:
    ///   - sink: receives the results.
    ///   - nextSource: returns the next source in output order, nil at the end. Called by one thread at a time, only
    ///     when the search needs another source.
    /// - Returns: the report, and the sink passed in.
    /// - Throws: `LogSearchError` when the system refuses memory.
    public func run<Sink: SearchSink>(
        into sink: Sink, nextSource: @escaping () -> Source?
    ) throws -> (report: SearchReport, sink: Sink) {
        let queue = WorkQueue(
            options: options, query: pattern.query,
            nextSource: options.isNothing ? { nil } : nextSource)
        let hub = OrderedResults(
            queue, SearchResultMerger(options: options, sink: sink), isCancelled: isCancelled)
        let renderer = sink.renderer
        let scanner = try BlockScanner<Source, Sink.Renderer>(pattern: pattern, options: options, renderer: renderer)
        // The first batches are scanned on this thread: most selective searches end with them and need no workers.
        for _ in 0..<2 {
            guard let batch = hub.takeBatch() else { return hub.finish() }
            hub.deliver(scanner.scan(batch), batch.sequence)
        }
        let group = ThreadGroup()
        let cores = options.workers > 0 ? options.workers : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let wanted = hub.isOver ? 0 : max(1, min(cores, 64)) - 1
        let more = threads?.take(atMost: wanted) ?? wanted
        defer { threads?.giveBack(more) }
        try startWorkers(more, group, hub, renderer)
        while let batch = hub.takeBatch() { hub.deliver(scanner.scan(batch), batch.sequence) }
        group.join()
        return hub.finish()
    }

    /// Starts workers beside the calling thread.
    private func startWorkers<Sink: SearchSink>(
        _ count: Int, _ group: ThreadGroup, _ hub: OrderedResults<Source, Sink>, _ renderer: Sink.Renderer
    ) throws {
        guard count > 0 else { return }
        // Results are allocated and freed per block: returning the memory to the system each time would cost more than
        // rendering them.
        logscan_keep_freed_memory()
        for _ in 0..<count {
            // Unchecked: only the new thread uses it.
            nonisolated(unsafe) let scanner = try BlockScanner<Source, Sink.Renderer>(
                pattern: pattern, options: options, renderer: renderer)
            group.start {
                while let batch = hub.takeBatch() { hub.deliver(scanner.scan(batch), batch.sequence) }
            }
        }
    }
}

extension SearchReport {
    mutating func add(_ queue: SearchReport) {
        sources += queue.sources
        members += queue.members
        blocks += queue.blocks
        prunedByTime += queue.prunedByTime
        probed += queue.probed
        passed += queue.passed
        membersWithoutTime += queue.membersWithoutTime
        membersLeftOut += queue.membersLeftOut
        copies += queue.copies
        membersInParts += queue.membersInParts
        isCancelled = isCancelled || queue.isCancelled
        for problem in queue.problems { note(problem) }
        problemCount += queue.problemCount - queue.problems.count
    }
}
