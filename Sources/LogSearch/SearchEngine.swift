internal import Glibc

/// Searches sources: one queue of units, as many workers as cores, results in order through a bounded window.
public struct SearchEngine<Source: SearchSource>: Sendable {
    private let pattern: SearchPattern
    private let options: SearchOptions

    /// Makes an engine for one pattern.
    public init(pattern: SearchPattern, options: SearchOptions) {
        self.pattern = pattern
        self.options = options
    }

    /// Runs the search on the calling thread and on workers of its own; returns when all is written.
    ///
    /// The calling thread blocks: call it outside the Swift concurrency pool.
    /// - Parameters:
    ///   - output: takes the results.
    ///   - nextSource: the next source in the order in which results are wanted, nil at the end. Called by one thread
    ///     at a time, only as far as the search has come.
    /// - Returns: counts and problems, and the output handed in.
    /// - Throws: `LogSearchError` when the system refuses memory.
    public func run<Output: SearchOutput>(
        into output: Output, nextSource: @escaping () -> Source?
    ) throws -> (report: SearchReport, output: Output) {
        var assembly = Assembly(options: options, output: output)
        let hub = SearchHub<Source>(
            WorkQueue(options: options, query: pattern.query, nextSource: options.maxCount == 0 ? { nil } : nextSource))
        try runInline(hub, &assembly)
        let cores = max(1, options.workers > 0 ? options.workers : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        if !hub.isExhausted, !assembly.isFinished {
            try runWorkers(min(cores, 64), hub, &assembly)
        }
        var (report, finished) = assembly.finish()
        report.add(hub.queueReport)
        return (report, finished)
    }

    /// The first units are scanned here and now: most selective searches end with them, and no thread is started.
    private func runInline<Output: SearchOutput>(_ hub: SearchHub<Source>, _ assembly: inout Assembly<Output>) throws {
        let scanner = try UnitScanner<Source>(pattern: pattern, options: options)
        for _ in 0..<2 {
            guard !assembly.isFinished, let batch = hub.takeBatch(closedThrough: assembly.closedThrough) else { return }
            for result in scanner.scan(batch) where !assembly.isFinished { assembly.take(result) }
            hub.skip(batch.sequence)
        }
        if !assembly.isFinished { assembly.flush() }
    }

    private func runWorkers<Output: SearchOutput>(
        _ count: Int, _ hub: SearchHub<Source>, _ assembly: inout Assembly<Output>
    ) throws {
        let scanners = try (0..<count).map { _ in try UnitScanner<Source>(pattern: pattern, options: options) }
        let crew = Crew()
        for scanner in scanners {
            let isolated = Handover(scanner)
            crew.start {
                let scanner = isolated.value
                while let batch = hub.takeBatch() { hub.deliver(scanner.scan(batch), batch.sequence) }
                hub.workerEnded()
            }
        }
        if crew.count == 0 { throw LogSearchError(code: .resources, message: "no thread could be started") }
        hub.expect(crew.count)
        while let results = hub.nextResults(closedThrough: assembly.closedThrough, flush: { assembly.flush() }) {
            for result in results where !assembly.isFinished { assembly.take(result) }
            if assembly.report.problemCount > Self.problemLimit, assembly.report.problems.count > 0 { hub.stop() }
            if assembly.isFinished { hub.stop() }
        }
        crew.join()
    }

    /// So many lines beyond the match limit mean that the pattern is hopeless, and going on would take for ever.
    private static var problemLimit: Int { 10_000 }
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
        for problem in queue.problems { note(problem) }
        problemCount += queue.problemCount - queue.problems.count
    }
}
