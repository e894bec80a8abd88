import ArgumentParser
import Catalog
import Glibc
import LogSearch
import Terminal

/// `salvage grep`: searches the logs of sessions, with ripgrep's flags.
struct Grep: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search the logs of sessions.",
        discussion: """
            PATTERN is a PCRE2 regular expression; a match never spans lines. Prints session:path:line:text. Flags and \
            exit codes are ripgrep's: 0 found, 1 nothing found, 2 error. Members that are not text are skipped unless \
            --binary or --text is given. --since and --until select lines by their own time; start+5m is relative to \
            each session's start. A line without a time belongs to the line before.

              salvage grep 'Fatal error' --tag '1.4*' --since 2d
              salvage grep -F 9b2e77aa-1c -C 3
              salvage grep -i timeout --since start+5m --until start+10m
              salvage grep '' --session ID --last 2m --path 'Saved/Logs/**'
            """)

    @Argument(help: "The pattern; omit it with -e or -f.") var pattern: String?
    @OptionGroup(title: "Pattern") var reading: GrepPatternFlags
    @OptionGroup(title: "Output") var printing: GrepOutputFlags
    @OptionGroup(title: "Time") var time: GrepTimeFlags
    @OptionGroup(title: "Selection") var selection: SelectionOptions
    @OptionGroup(title: "Global") var options: GlobalOptions

    func run() throws {
        let patterns = try reading.patterns(first: pattern)
        let compiled = try GrepRun.compile(try reading.options(patterns, options))
        var search = try printing.options(options)
        try time.apply(to: &search, selection)
        search.limit = selection.limit
        let run = GrepRun(
            store: try StoreAccess.path(options), pattern: compiled, search: search, options: options,
            explains: printing.explain)
        try run.perform(try time.catalogSelection(selection))
    }
}

/// The flags that give patterns and say how they match.
struct GrepPatternFlags: ParsableArguments {
    @Option(
        name: [.customShort("e", allowingJoined: true), .customLong("regexp")], parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A pattern. May be repeated; a line matches if any of them does.", valueName: "pattern"))
    var expressions: [String] = []

    @Option(
        name: [.customShort("f", allowingJoined: true), .customLong("file")],
        help: ArgumentHelp("Read patterns from a file, one per line.", valueName: "file"))
    var files: [String] = []

    @Flag(name: [.customShort("F"), .customLong("fixed-strings")], help: "Treat patterns as literal text.")
    var fixed = false

    @Flag(exclusivity: .chooseLast) var letterCase: LetterCase?

    @Flag(exclusivity: .chooseLast) var extent: MatchExtent?

    @Flag(help: "Let $ match before a carriage return at the end of a line.")
    var crlf = false

    /// Returns all patterns. Throws a usage error if there is none, or a positional one beside -e or -f.
    func patterns(first: String?) throws -> [String] {
        var all = expressions
        for file in files {
            let text = try SmallFile.text(file, limit: 16 << 20, what: "the pattern file")
            var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            if lines.last?.isEmpty == true { lines.removeLast() }
            // Files written on Windows end lines with CRLF.
            all += lines.map { String(Substring($0.last == 0x0D ? $0.dropLast() : $0)) }
        }
        if expressions.isEmpty, files.isEmpty {
            guard let first else {
                throw Failure(
                    "no_pattern", "grep needs a pattern", hint: "salvage grep 'Fatal error', or -e, or -f FILE",
                    status: .usage)
            }
            return [first]
        }
        if let first {
            throw Failure(
                "unexpected_argument", "unexpected argument '\(first)': -e or -f gives the pattern already",
                hint: "choose sessions with --session", status: .usage)
        }
        return all
    }

    func options(_ patterns: [String], _ global: GlobalOptions) throws -> PatternOptions {
        var reading = PatternOptions(patterns)
        reading.fixed = fixed
        reading.ignoreCase = letterCase == .ignored
        // The configuration decides only if no flag does.
        reading.smartCase = try letterCase == .smart || letterCase == nil && StoreAccess.smartCase(global)
        reading.word = extent == .word
        reading.line = extent == .line
        reading.crlf = crlf
        return reading
    }
}

/// The flags that choose what is searched and printed.
struct GrepOutputFlags: ParsableArguments {
    @Flag(name: [.customShort("v"), .customLong("invert-match")], help: "Select lines that do not match.")
    var invert = false
    @Flag(exclusivity: .chooseLast) var counting: CountFlag?
    @Flag(help: "With a count, also print members that have none.")
    var includeZero = false
    @Flag(exclusivity: .chooseLast) var naming: NameFlag?
    @Flag(name: [.customShort("o"), .customLong("only-matching")], help: "Print only the matching parts.")
    var onlyMatching = false
    @Flag(name: .customShort("q"), help: "Print nothing; only set the exit code.")
    var silent = false
    @Option(
        name: [.customShort("A", allowingJoined: true), .customLong("after-context")],
        help: ArgumentHelp("Lines to print after each match.", valueName: "lines"))
    var after: Int?
    @Option(
        name: [.customShort("B", allowingJoined: true), .customLong("before-context")],
        help: ArgumentHelp("Lines to print before each match.", valueName: "lines"))
    var before: Int?
    @Option(
        name: [.customShort("C", allowingJoined: true), .customLong("context")],
        help: ArgumentHelp("Lines to print before and after each match.", valueName: "lines"))
    var around: Int?
    @Option(
        name: [.customShort("m", allowingJoined: true), .customLong("max-count")],
        help: ArgumentHelp("Stop after this many selected lines per member.", valueName: "lines"))
    var maxCount: Int?
    @Flag(exclusivity: .chooseLast) var lineNumber: LineNumberFlag?
    @Flag(name: [.customShort("I"), .customLong("no-filename")], help: "Do not print session and path.")
    var noFilename = false
    @Flag(help: "Print session and path once, above their lines.")
    var heading = false
    @Flag(name: [.customShort("a"), .customLong("text")], help: "Search all members as if they were text.")
    var text = false
    @Flag(help: "Also search members that are not text.")
    var binary = false
    @Option(
        name: [.customShort("g", allowingJoined: true), .customLong("path")],
        help: ArgumentHelp(
            "Only members whose path matches this glob ('Saved/Logs/**', '*.log'). May be repeated.",
            valueName: "glob"))
    var path: [String] = []
    @Option(
        name: [.customShort("j", allowingJoined: true), .customLong("threads")],
        help: ArgumentHelp("Number of threads; 0 means one per core (the default).", valueName: "count"))
    var threads: Int?
    @Flag(help: "Print on standard error which literals were used and how many blocks were read.")
    var explain = false
    @Flag(help: "Ignore the filter index and search every block (slower; for checking the index).")
    var noFilters = false

    func options(_ global: GlobalOptions) throws -> SearchOptions {
        for (flag, value) in [("-A", after), ("-B", before), ("-C", around), ("-m", maxCount), ("-j", threads)] {
            if let value, value < 0 {
                throw Failure("bad_number", "\(flag) must not be negative", status: .usage)
            }
        }
        if global.json, let flag = summaryFlag {
            throw Failure(
                "conflicting_flags", "\(flag) has no JSON form", hint: "the messages of --json contain the counts",
                status: .usage)
        }
        var search = SearchOptions()
        search.mode = mode(json: global.json)
        search.invert = invert
        search.after = after ?? around ?? 0
        search.before = before ?? around ?? 0
        search.maxCount = maxCount
        search.lineNumbers = lineNumber != .off
        search.showName = !noFilename
        search.heading = heading
        search.color = global.style.isEnabled && search.mode != .json
        search.escape = isatty(STDOUT_FILENO) == 1
        search.asText = text
        search.searchBinary = binary
        search.includeZero = includeZero
        search.paths = path
        search.workers = threads ?? 0
        search.usesFilters = !noFilters
        return search
    }

    /// The flag that replaces lines by names or counts.
    private var summaryFlag: String? {
        if silent { return nil }
        return switch (counting, naming) {
        case (.matches, _): "--count-matches"
        case (.lines, _): "-c"
        case (nil, .matching): "-l"
        case (nil, .others): "-L"
        case (nil, nil): nil
        }
    }

    private func mode(json: Bool) -> SearchMode {
        if silent { return .quiet }
        // As in ripgrep, counts take precedence over names.
        switch (counting, naming) {
        case (.matches, _): return .countMatches
        case (.lines, _): return onlyMatching ? .countMatches : .count
        case (nil, .matching): return .filesWith
        case (nil, .others): return .filesWithout
        case (nil, nil): break
        }
        if json { return .json }
        return onlyMatching ? .onlyMatching : .lines
    }
}

/// The flags that select part of a log by time.
struct GrepTimeFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("Only lines within this span before the end of each log: 2m, 30s.", valueName: "span"))
    var last: String?
    @Flag(help: "Skip members whose time format is not known, instead of keeping all their lines.")
    var strictTime = false

    /// Applies `--since`, `--until` and `--last` to lines; `start+5m` is relative to each session's start.
    func apply(to search: inout SearchOptions, _ selection: SelectionOptions, now: Int64 = TimeText.now()) throws {
        var relative = RelativeWindow()
        relative.last = try last.map { try Self.span($0, flag: "--last") }
        relative.sinceStart = try Self.fromStart(selection.since, flag: "--since")
        // Exclusive, as with an instant.
        relative.untilStart = try Self.fromStart(selection.until, flag: "--until").map { $0 - 1 }
        if relative != RelativeWindow() { search.relative = relative }
        let since = relative.sinceStart == nil ? selection.since : nil
        let until = relative.untilStart == nil ? selection.until : nil
        let low = try SelectionOptions.instant(since, flag: "--since", now: now)
        let high = try SelectionOptions.instant(until, flag: "--until", now: now)
        if let low, let high, low >= high {
            throw Failure("bad_time", "--since is not before --until", status: .usage)
        }
        if low != nil || high != nil { search.window = (low ?? .min)...(high.map { $0 - 1 } ?? .max) }
        search.strictTime = strictTime
    }

    /// Returns the sessions that can hold such lines: those that ended after `--since`. `--until` does not apply, as a
    /// session that ended later may hold earlier lines.
    func catalogSelection(_ selection: SelectionOptions) throws -> Selection {
        var bounded = selection
        bounded.until = nil
        // --limit bounds what is printed, not the sessions searched.
        bounded.limit = nil
        if selection.since?.hasPrefix("start+") == true { bounded.since = nil }
        return try bounded.selection()
    }

    private static func fromStart(_ text: String?, flag: String) throws -> Int64? {
        guard let text, text.hasPrefix("start+") else { return nil }
        return try span(String(text.dropFirst(6)), flag: flag, typed: text)
    }

    /// Parses a span; `typed` is the flag's whole value, if the span is only a part of it.
    static func span(_ text: String, flag: String, typed: String? = nil) throws -> Int64 {
        guard let span = TimeText.parseSpan(text) else {
            throw Failure(
                "bad_time", "invalid value '\(typed ?? text)' for \(flag)", hint: "write a span like 30s, 2m or 1h",
                status: .usage)
        }
        return span
    }
}
