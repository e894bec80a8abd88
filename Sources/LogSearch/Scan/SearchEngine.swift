internal import CLogScan
internal import Glibc
internal import Threads

/// Searches sources: one queue of units, one worker per core, results in order through a bounded window.
public struct SearchEngine<Source: SearchSource>: Sendable {
    private let pattern: SearchPattern
    private let options: SearchOptions

    /// Creates an engine for one pattern.
    public init(pattern: SearchPattern, options: SearchOptions) {
        self.pattern = pattern
        self.options = options
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
            nextSource: options.maxCount == 0 || options.limit == 0 ? { nil } : nextSource)
        let hub = OrderedResults(queue, SearchResultMerger(options: options, sink: sink))
        let renderer = sink.renderer
        let scanner = try BlockScanner<Source, Sink.Renderer>(pattern: pattern, options: options, renderer: renderer)
        // The first batches are scanned on this thread: most selective searches end with them and need no workers.
        for _ in 0..<2 {
            guard let batch = hub.takeBatch() else { return hub.finish() }
            hub.deliver(scanner.scan(batch), batch.sequence)
        }
        let group = ThreadGroup()
        if !hub.isOver { try startWorkers(group, hub, renderer) }
        while let batch = hub.takeBatch() { hub.deliver(scanner.scan(batch), batch.sequence) }
        group.join()
        return hub.finish()
    }

    /// Starts one worker per core, except for the calling thread's.
    private func startWorkers<Sink: SearchSink>(
        _ group: ThreadGroup, _ hub: OrderedResults<Source, Sink>, _ renderer: Sink.Renderer
    ) throws {
        // Results are allocated and freed per block: returning the memory to the system each time would cost more than
        // rendering them.
        logscan_keep_freed_memory()
        let cores = options.workers > 0 ? options.workers : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        for _ in 1..<max(1, min(cores, 64)) {
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
        for problem in queue.problems { note(problem) }
        problemCount += queue.problemCount - queue.problems.count
    }
}
