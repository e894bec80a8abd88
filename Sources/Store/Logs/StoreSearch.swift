import Live
public import LogSearch
import Model

extension Store {
    /// Searches logs and passes what it finds as values, in order. For a server:
    ///
    /// - It blocks: call it on a thread of your own, never on one of Swift concurrency's. `take` is called on that thread
    ///   or on one of the search's own, one call at a time, and not after this returns. While `take` waits for a slow
    ///   reader, the search waits too, after at most 64 blocks of 256 KiB for each thread.
    /// - The search ends soon after `take` returns false or `isCancelled` returns true, which is asked before each block and
    ///   may be called on several threads at once: an `Atomic<Bool>` that is set when the client goes away.
    /// - All searches of a server share one `SearchThreads`, such as one with as many threads as there are cores. Each search
    ///   works on its calling thread in any case; how many run at once is the server's to limit.
    /// - Unless it sorts by time, it passes hits as they are found, so the first arrives early. Context lines are hits whose
    ///   `isMatch` is false. A hit that does not follow the one before it in its member is seen by its number.
    ///
    /// - Parameters:
    ///   - request: what to find.
    ///   - threads: shared with other searches; nil for one thread per core.
    ///   - take: takes a hit; returns false to end the search.
    /// - Throws: `LogSearchError` for a bad pattern, `CatalogError` or `LiveFailure`. What could not be searched is part of
    ///   the outcome.
    public func search(
        _ request: SearchRequest, threads: SearchThreads? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }, _ take: @escaping @Sendable (SearchHit) -> Bool
    ) throws -> SearchOutcome {
        let pattern = try SearchPattern(request.reading)
        let sources = try sources(
            for: pattern.query, request.options, request.sessions, sorting: request.sorting, scope: request.scope,
            needsLabels: true)
        sources.end(when: isCancelled)
        let found = try Self.run(
            request, pattern, threads, isCancelled, { sources.next() }, take)
        return SearchOutcome(
            report: found.report, problems: found.report.problems + sources.problems.prefix(100),
            hasMore: found.hasMore)
    }

    static func run(
        _ request: SearchRequest, _ pattern: SearchPattern, _ threads: SearchThreads?,
        _ isCancelled: @escaping @Sendable () -> Bool, _ next: @escaping () -> StoreSource?,
        _ take: @escaping @Sendable (SearchHit) -> Bool
    ) throws -> (report: SearchReport, hasMore: Bool) {
        let engine = SearchEngine<StoreSource>(
            pattern: pattern, options: request.options, threads: threads, isCancelled: isCancelled)
        let sorting = request.sorting
        let sorter =
            sorting.order == .time
            ? HitSorter(isReversed: sorting.isReversed, limit: min(max(request.limit ?? 1000, 0), 10_000)) : nil
        let (report, sink) = try engine.run(into: HitSink(sorter, take), nextSource: next)
        return (report, sink.hasMore)
    }
}
