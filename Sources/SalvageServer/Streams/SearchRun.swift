import Live
import LogSearch
import Model
import Printers
import Store

/// A search of the API, as `salvage grep --json` makes it. This is the only place that calls the engine.
struct SearchRun: Sendable {
    /// Threads that all searches share, beside the one that each has.
    private static let threads = SearchThreads(4)

    let pattern: SearchPattern
    let options: SearchOptions
    /// The sessions.
    let selection: Selection
    /// The order of the lines.
    var sorting = SearchSorting()

    /// Searches and writes ripgrep's messages. It blocks.
    ///
    /// - Returns: what could not be searched.
    func write(_ store: Store, to pipe: BytePipe) throws -> [String] {
        var print = PrintOptions()
        print.mode = .json
        if sorting.order == .time { print.timeOrder = TimeOrder(isReversed: sorting.isReversed) }
        let printed = PrintedSearch(options, print)
        let sources = try store.sources(
            for: pattern.query, printed.search, selection, sorting: sorting, needsLabels: true)
        let (report, _) = try printed.run(
            pattern, into: PipeOutput(pipe), threads: Self.threads, isCancelled: { pipe.isAbandoned },
            nextSource: { pipe.isAbandoned ? nil : sources.next() })
        return report.problems + sources.problems
    }
}
