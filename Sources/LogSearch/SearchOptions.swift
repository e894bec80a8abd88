/// What is printed of the lines found.
public enum SearchMode: Sendable, Equatable {
    /// The lines, with context where asked.
    case lines
    /// Each match by itself (`-o`).
    case onlyMatching
    /// The number of selected lines of each member (`-c`).
    case count
    /// The number of matches of each member (`--count-matches`).
    case countMatches
    /// Names of members with a selected line (`-l`).
    case filesWith
    /// Names of members without one (`-L`).
    case filesWithout
    /// ripgrep's JSON messages.
    case json
    /// Nothing: the exit code answers (`-q`).
    case quiet
}

/// How a search runs and what it prints. The names follow ripgrep's.
public struct SearchOptions: Sendable, Equatable {
    /// What is printed.
    public var mode = SearchMode.lines
    /// Lines that do not match are selected (`-v`).
    public var invert = false
    /// Lines of context before a selected line (`-B`).
    public var before = 0
    /// Lines of context after a selected line (`-A`).
    public var after = 0
    /// Selected lines of one member after which it is left (`-m`).
    public var maxCount: Int?
    /// Results after which the whole search ends: selected lines, or members where only those are named or counted.
    public var limit: Int?
    /// Line numbers are printed (`-n`).
    public var lineNumbers = true
    /// Session and path are printed before each line.
    public var showName = true
    /// They are printed once above the lines of a member instead (`--heading`).
    public var heading = false
    /// Matches, names and numbers are coloured.
    public var color = false
    /// Control characters are escaped, for a terminal.
    public var escape = false
    /// NUL bytes are text (`-a`).
    public var asText = false
    /// Members that are not text are searched too (`--binary`).
    public var searchBinary = false
    /// Members without any selected line are counted too (`--include-zero`).
    public var includeZero = false
    /// Only lines of this time, in milliseconds since 1970; both ends included.
    public var window: ClosedRange<Int64>?
    /// The same relative to each session; both must hold where both are given.
    public var relative: RelativeWindow?
    /// Members and lines whose time is unknown are left out instead of kept.
    public var strictTime = false
    /// Seconds east of UTC assumed where a stamp names no zone.
    public var zoneOffset: Int32 = 0
    /// Globs for member paths; one of them must match where there are any (`--path`).
    public var paths: [String] = []
    /// Threads that decode and match; 0 means one per core.
    public var workers = 0
    /// Block filters are used; without them the same lines are found, later.
    public var usesFilters = true

    /// Hyperscan, where it is installed, chooses the lines that a pattern without literals is tried on; without it the
    /// same lines are found, later.
    public var usesPrefilter = true
    /// Texts that one thread looks at before it asks Hyperscan to compile the pattern.
    var prefilterStartsAfter = 8

    /// The defaults: lines with their numbers and names.
    public init() {}

    /// Whole selected lines are printed as they are, or only counted; each can be taken by itself.
    var isPlain: Bool {
        (mode == .lines || mode == .count) && !invert && !hasContext && maxCount == nil && limit == nil && !color
            && !escape
    }

    /// Context around selected lines is printed.
    var hasContext: Bool { (before > 0 || after > 0) && (mode == .lines || mode == .json || mode == .onlyMatching) }
}

/// A time window relative to a session; spans in milliseconds.
public struct RelativeWindow: Sendable, Equatable {
    /// Only lines at least so long after the session's start (`--since start+5m`).
    public var sinceStart: Int64?
    /// Only lines at most so long after the session's start.
    public var untilStart: Int64?
    /// Only lines of the last stretch before the end of the log, or of the session where the log says nothing
    /// (`--last 2m`).
    public var last: Int64?

    /// Makes a window; what is nil does not bound.
    public init(sinceStart: Int64? = nil, untilStart: Int64? = nil, last: Int64? = nil) {
        self.sinceStart = sinceStart
        self.untilStart = untilStart
        self.last = last
    }
}

extension SearchOptions {
    var hasWindow: Bool { window != nil || relative != nil }

    /// The window for one member; nil where there is none.
    func window(for label: SourceLabel, _ member: SearchMember) -> ClosedRange<Int64>? {
        guard let relative else { return window }
        var low = window?.lowerBound ?? .min
        var high = window?.upperBound ?? .max
        if let since = relative.sinceStart { low = max(low, label.start.addingClamped(since)) }
        if let until = relative.untilStart { high = min(high, label.start.addingClamped(until)) }
        if let last = relative.last, let end = member.pieces.compactMap({ $0.times?.upperBound }).max() ?? label.end {
            low = max(low, end.addingClamped(-last))
        }
        // An empty window is one that no stamp lies in.
        return low <= high ? low...high : Int64.min...Int64.min
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}

/// What a search came to.
public struct SearchReport: Sendable, Equatable {
    /// Sources looked at.
    public var sources = 0
    /// Members looked at.
    public var members = 0
    /// Members with a selected line.
    public var membersMatched = 0
    /// Blocks of those members.
    public var blocks = 0
    /// Blocks left out because no line of theirs lies in the time window.
    public var prunedByTime = 0
    /// Blocks whose filter was asked.
    public var probed = 0
    /// Those of them that may hold a selected line.
    public var passed = 0
    /// Blocks decoded.
    public var decoded = 0
    /// Raw bytes of those blocks.
    public var decodedBytes: UInt64 = 0
    /// Those of them with a selected line.
    public var hit = 0
    /// Selected lines.
    public var lines: UInt64 = 0
    /// Matches in them, where the mode needed them counted.
    public var matches: UInt64 = 0
    /// Bytes printed.
    public var printedBytes: UInt64 = 0
    /// Members whose time format is unknown though a time window was asked for; their lines were kept.
    public var membersWithoutTime = 0
    /// Members left out because their time format is unknown and the time is to be known for certain.
    public var membersLeftOut = 0
    /// What could not be searched, in words; at most 100 are kept.
    public var problems: [String] = []
    /// All such problems.
    public var problemCount = 0
    /// The reader of the output went away.
    public var outputClosed = false

    /// How a line on which the pattern took too many steps is reported.
    static let matchLimitWords = "the match limit was reached, whether the line matches is not known"

    /// What to do about one of the ``problems``.
    public static func hint(for problem: String) -> String {
        problem.hasSuffix(matchLimitWords)
            ? "the pattern takes too many steps on this line: write it without repetition inside of repetition, or -F"
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
