public import LogSearch

/// What a search prints.
public enum PrintMode: Sendable, Equatable {
    /// The lines, with context if requested.
    case lines
    /// Only the matches, one per line (`-o`).
    case onlyMatching
    /// The number of selected lines of each member (`-c`).
    case count
    /// The number of matches of each member (`--count-matches`).
    case countMatches
    /// Names of members with a selected line (`-l`).
    case filesWith
    /// Names of members without a selected line (`-L`).
    case filesWithout
    /// ripgrep's JSON messages.
    case json
    /// Nothing; only the exit code is set (`-q`).
    case quiet
}

/// How results are printed, named as in ripgrep.
public struct PrintOptions: Sendable, Equatable {
    /// What is printed.
    public var mode = PrintMode.lines
    /// Print line numbers (`-n`).
    public var lineNumbers = true
    /// Print session and path before each line.
    public var showName = true
    /// Print them once above a member's lines instead (`--heading`).
    public var heading = false
    /// Print the column of the first match (`--column`).
    public var column = false
    /// Print a line once for each of its matches, with the match's column (`--vimgrep`).
    public var perMatch = false
    /// Color matches, names and numbers.
    public var color = false
    /// Print lines in the order of their own time instead of members one after the other (`--sort time`).
    public var timeOrder: TimeOrder?
    /// Give each session a color of its own, the same in every search, instead of one color for all names.
    public var colorsSessions = false
    /// Print the session's location after its id.
    public var showLocation = false
    /// Escape control characters, for a terminal.
    public var escape = false
    /// With ``escape``: escape all characters beyond ASCII too, for a terminal that cannot show them.
    public var asciiOnly = false
    /// Also print counts of members without a selected line (`--include-zero`).
    public var includeZero = false

    /// Creates the default options: lines with numbers and names.
    public init() {}

    /// Sets what a search has to find so that it can be printed.
    func apply(to search: inout SearchOptions) {
        search.members = .matching
        search.stopsAtNUL = true
        search.measuresTime = false
        switch mode {
        case .lines, .onlyMatching: search.wanted = .lines
        case .json:
            search.wanted = .lines
            search.stopsAtNUL = false
            search.measuresTime = true
        case .count, .countMatches:
            search.wanted = mode == .count ? .counts : .matchCounts
            if includeZero { search.members = .all }
        case .filesWith: search.wanted = .presence
        case .filesWithout:
            search.wanted = .presence
            search.members = .without
            search.perSession = nil
        case .quiet: search.wanted = .firstHit
        }
        if timeOrder != nil, search.wanted == .lines {
            search.findsTimes = true
            search.stopsAtNUL = false
        }
    }
}

/// A search whose results are printed.
public struct PrintedSearch: Sendable {
    /// What is searched, and what has to be found for the way of printing.
    public let search: SearchOptions
    /// How results are printed.
    public let print: PrintOptions

    /// Creates a search. Sets those of its options that the way of printing decides.
    public init(_ search: SearchOptions, _ print: PrintOptions) {
        var search = search
        print.apply(to: &search)
        self.search = search
        self.print = print
    }

    /// Runs the search and prints its results. Blocks the calling thread, as `SearchEngine.run` does.
    /// - Parameters:
    ///   - output: the destination of what is printed.
    ///   - threads: shared with other searches; nil for threads of its own.
    ///   - isCancelled: ends the search once it returns true. Called on several threads.
    ///   - nextSource: returns the next source in output order, nil at the end.
    /// - Returns: the report, and the output passed in.
    /// - Throws: `LogSearchError` when the system refuses memory.
    public func run<Source: SearchSource, Output: SearchOutput>(
        _ pattern: SearchPattern, into output: Output, threads: SearchThreads? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }, nextSource: @escaping () -> Source?
    ) throws -> (report: SearchReport, output: Output) {
        let makeEngine: (SearchOptions) -> SearchEngine<Source> = {
            SearchEngine(pattern: pattern, options: $0, threads: threads, isCancelled: isCancelled)
        }
        if print.timeOrder != nil, search.wanted == .lines {
            return try runInTimeOrder(makeEngine, into: output, nextSource: nextSource)
        }
        if pattern.spansLines, print.mode == .count, !search.invert {
            // As in ripgrep, where a match may span lines, matches are counted.
            var counting = print
            counting.mode = .countMatches
            return try PrintedSearch(search, counting).run(
                pattern, into: output, threads: threads, isCancelled: isCancelled, nextSource: nextSource)
        }
        let engine = makeEngine(search)
        switch print.mode {
        case .lines, .onlyMatching:
            let printer = TextPrinter(
                output, print, inverts: search.invert, hasContext: search.hasContext)
            let (report, sink) = try engine.run(into: printer, nextSource: nextSource)
            return (report, sink.output.output)
        case .json:
            let (report, sink) = try engine.run(into: JSONPrinter(output), nextSource: nextSource)
            return (report, sink.output.output)
        case .count, .countMatches, .filesWith, .filesWithout, .quiet:
            let printer = SummaryPrinter(output, print, inverts: search.invert)
            let (report, sink) = try engine.run(into: printer, nextSource: nextSource)
            return (report, sink.output.output)
        }
    }

    /// Runs the search to its end, then prints its lines. The limit then is that of the lines printed, not of those found.
    private func runInTimeOrder<Source: SearchSource, Output: SearchOutput>(
        _ makeEngine: (SearchOptions) -> SearchEngine<Source>, into output: Output,
        nextSource: @escaping () -> Source?
    ) throws -> (report: SearchReport, output: Output) {
        var (search, form) = (search, print)
        let sorter = TimeSorter(form.timeOrder ?? TimeOrder(), limit: search.limit)
        search.limit = search.limit == 0 ? 0 : nil
        form.heading = false
        let engine = makeEngine(search)
        guard form.mode == .json else {
            let renderer = TextRenderer(options: form, inverts: search.invert, hasContext: search.hasContext)
            let printer = TimeOrderedPrinter(output, renderer, sorter, isJSON: false)
            let (report, sink) = try engine.run(into: printer, nextSource: nextSource)
            return (report, try sink.checked())
        }
        var renderer = JSONRenderer()
        renderer.addsTime = true
        let printer = TimeOrderedPrinter(output, renderer, sorter, isJSON: true)
        let (report, sink) = try engine.run(into: printer, nextSource: nextSource)
        return (report, try sink.checked())
    }
}
