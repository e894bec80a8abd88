/// What a search prints.
public enum SearchMode: Sendable, Equatable {
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

/// Options of a search, named as in ripgrep.
public struct SearchOptions: Sendable, Equatable {
    /// What is printed.
    public var mode = SearchMode.lines
    /// Select lines that do not match (`-v`).
    public var invert = false
    /// Lines of context before a selected line (`-B`).
    public var before = 0
    /// Lines of context after a selected line (`-A`).
    public var after = 0
    /// Most selected lines per member (`-m`).
    public var maxCount: Int?
    /// Most results of the whole search: selected lines, or members in modes that only name or count them.
    public var limit: Int?
    /// Print line numbers (`-n`).
    public var lineNumbers = true
    /// Print session and path before each line.
    public var showName = true
    /// Print them once above a member's lines instead (`--heading`).
    public var heading = false
    /// Color matches, names and numbers.
    public var color = false
    /// Escape control characters, for a terminal.
    public var escape = false
    /// Treat NUL bytes as text (`-a`).
    public var asText = false
    /// Search members that are not text as well (`--binary`).
    public var searchBinary = false
    /// Also print counts of members without a selected line (`--include-zero`).
    public var includeZero = false
    /// Select only lines in this time window, in milliseconds since 1970 UTC, both ends included.
    public var window: ClosedRange<Int64>?
    /// A window relative to each session; if both windows are given, both apply.
    public var relative: RelativeWindow?
    /// Leave out members whose time format is unknown.
    public var strictTime = false
    /// Time zone of timestamps without one, in seconds east of UTC.
    public var zoneOffset: Int32 = 0
    /// Globs of member paths, of which one must match; empty selects all (`--path`).
    public var paths: [String] = []
    /// Number of threads that decode and match; 0 means one per core.
    public var workers = 0
    /// Use block filters. They affect only the speed, not the lines found.
    public var usesFilters = true

    /// Use Hyperscan, if installed, to choose the lines on which a pattern without literals is tried. It affects only
    /// the speed, not the lines found.
    public var usesPrefilter = true
    /// Number of texts that a thread scans before it has Hyperscan compile the pattern.
    var prefilterStartsAfter = 8

    /// Creates the default options: lines with numbers and names.
    public init() {}

    /// Whether selected lines are printed unchanged, or only counted, independently of each other.
    var isPlain: Bool {
        (mode == .lines || mode == .count) && !invert && !hasContext && maxCount == nil && limit == nil && !color
            && !escape
    }

    /// Whether context around selected lines is printed.
    var hasContext: Bool { (before > 0 || after > 0) && (mode == .lines || mode == .json || mode == .onlyMatching) }
}

/// A time window relative to a session; spans in milliseconds.
public struct RelativeWindow: Sendable, Equatable {
    /// The earliest time after the session's start (`--since start+5m`).
    public var sinceStart: Int64?
    /// The latest time after the session's start.
    public var untilStart: Int64?
    /// Only this long before the end of the log, or of the session if the log's end is unknown (`--last 2m`).
    public var last: Int64?

    /// Creates a window; nil means no bound.
    public init(sinceStart: Int64? = nil, untilStart: Int64? = nil, last: Int64? = nil) {
        self.sinceStart = sinceStart
        self.untilStart = untilStart
        self.last = last
    }
}

extension SearchOptions {
    var hasWindow: Bool { window != nil || relative != nil }

    /// The window for one member; nil when there is none.
    func window(for label: SourceLabel, _ member: SearchMember) -> ClosedRange<Int64>? {
        guard let relative else { return window }
        var low = window?.lowerBound ?? .min
        var high = window?.upperBound ?? .max
        if let since = relative.sinceStart { low = max(low, label.start.addingClamped(since)) }
        if let until = relative.untilStart { high = min(high, label.start.addingClamped(until)) }
        if let last = relative.last, let end = member.pieces.compactMap({ $0.times?.upperBound }).max() ?? label.end {
            low = max(low, end.addingClamped(-last))
        }
        // Represents an empty window by one that no timestamp is in.
        return low <= high ? low...high : Int64.min...Int64.min
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}

/// The statistics and problems of a search.
public struct SearchReport: Sendable, Equatable {
    /// Number of sources searched.
    public var sources = 0
    /// Number of members searched.
    public var members = 0
    /// Members with a selected line.
    public var membersMatched = 0
    /// Number of blocks of the searched members.
    public var blocks = 0
    /// Blocks skipped because no line of theirs is in the time window.
    public var prunedByTime = 0
    /// Blocks whose filter was queried.
    public var probed = 0
    /// Blocks that passed the filter.
    public var passed = 0
    /// Blocks decoded.
    public var decoded = 0
    /// Raw bytes of the decoded blocks.
    public var decodedBytes: UInt64 = 0
    /// Decoded blocks with a selected line.
    public var hit = 0
    /// Selected lines.
    public var lines: UInt64 = 0
    /// Matches in selected lines, in modes that count them.
    public var matches: UInt64 = 0
    /// Bytes printed.
    public var printedBytes: UInt64 = 0
    /// Members whose lines a time window could not exclude because their time format is unknown.
    public var membersWithoutTime = 0
    /// Members left out because of `strictTime` and an unknown time format.
    public var membersLeftOut = 0
    /// Messages about what could not be searched; at most 100 are kept.
    public var problems: [String] = []
    /// Number of all such problems.
    public var problemCount = 0
    /// Whether the reader closed the output.
    public var outputClosed = false

    /// The message for a line on which the pattern took too many steps.
    static let matchLimitWords = "the match limit was reached; it is not known whether the line matches"

    /// The hint for one of the ``problems``.
    public static func hint(for problem: String) -> String {
        problem.hasSuffix(matchLimitWords)
            ? "the pattern takes too many steps on this line: avoid nested repetition, or use -F"
            : "salvage verify names what is damaged"
    }

    /// ripgrep's exit code: 0 found, 1 nothing found, 2 when something could not be searched.
    public func exitCode(quiet: Bool = false) -> Int32 {
        if problemCount > 0, !(quiet && membersMatched > 0) { return 2 }
        return membersMatched > 0 ? 0 : 1
    }

    mutating func note(_ problem: String) {
        problemCount += 1
        if problems.count < 100 { problems.append(problem) }
    }
}
