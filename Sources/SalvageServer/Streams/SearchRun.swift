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

    /// Searches and writes ripgrep's messages. It blocks.
    ///
    /// - Returns: what could not be searched.
    func write(_ store: Store, to pipe: BytePipe) throws -> [String] {
        var print = PrintOptions()
        print.mode = .json
        let printed = PrintedSearch(options, print)
        let sources = try store.sources(for: pattern.query, printed.search, selection, needsLabels: true)
        let engine = SearchEngine<StoreSource>(
            pattern: pattern, options: printed.search, threads: Self.threads, isCancelled: { pipe.isAbandoned })
        let (report, _) = try engine.run(
            into: JSONPrinter(PipeOutput(pipe)), nextSource: { pipe.isAbandoned ? nil : sources.next() })
        return report.problems + sources.problems
    }
}
