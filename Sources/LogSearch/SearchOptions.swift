/// What a search finds.
public enum SearchTarget: Sendable, Equatable {
    /// The selected lines, with context if requested.
    case lines
    /// The number of selected lines of each member.
    case counts
    /// The number of matches of each member.
    case matchCounts
    /// Whether each member has a selected line.
    case presence
    /// Whether any member has a selected line; the search ends with the first one.
    case firstHit
}

/// Which members are results of a search for counts or presence.
public enum MemberChoice: Sendable, Equatable {
    /// Members with a selected line.
    case matching
    /// Members without a selected line.
    case without
    /// All members.
    case all
}

/// Options of a search, named as in ripgrep.
public struct SearchOptions: Sendable, Equatable {
    /// What is found.
    public var wanted = SearchTarget.lines
    /// Which members are results.
    public var members = MemberChoice.matching
    /// Select lines that do not match (`-v`).
    public var invert = false
    /// Lines of context before a selected line (`-B`).
    public var before = 0
    /// Lines of context after a selected line (`-A`).
    public var after = 0
    /// Most selected lines per member (`-m`).
    public var maxCount: Int?
    /// Most selected lines of each session, across its members.
    public var perSession: Int?
    /// Most results of the whole search: selected lines, or members in searches for counts or presence.
    public var limit: Int?
    /// Treat NUL bytes as text (`-a`).
    public var asText = false
    /// Search members that are not text as well (`--binary`).
    public var searchBinary = false
    /// Pass on no lines of a member after a selected line with a NUL byte, unless it is searched as text.
    public var stopsAtNUL = true
    /// Measure how long threads work on each member.
    public var measuresTime = false
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
    /// Search members of one session that hold the same bytes once; ``SearchedMember/also`` names the others.
    public var mergesCopies = false
    /// Find the time of each line that is passed on: ``FoundLine/time``.
    public var findsTimes = false
    /// Number of threads that decode and match; 0 means one per core.
    public var workers = 0
    /// Use block filters. They affect only the speed, not the lines found.
    public var usesFilters = true

    /// Use Hyperscan, if installed, to choose the lines on which a pattern without literals is tried. It affects only
    /// the speed, not the lines found.
    public var usesPrefilter = true
    /// Number of texts that a thread scans before it has Hyperscan compile the pattern.
    var prefilterStartsAfter = 8

    /// Whether a match may span lines. The engine sets it, because the pattern decides.
    var spansLines = false

    /// Creates the default options: all lines of members that are text.
    public init() {}

    /// Whether selected lines are passed on, or only counted, independently of each other.
    var isPlain: Bool { (wanted == .lines || wanted == .counts) && !invert && !findsTimes && takesWholeBlocks }

    /// Whether all lines that were found in a block are passed on.
    var takesWholeBlocks: Bool {
        !hasContext && maxCount == nil && perSession == nil && limit == nil && !spansLines
    }

    /// Most selected lines of one block that may be passed on.
    var mostInBlock: Int? {
        guard let perSession else { return maxCount }
        return maxCount.map { min($0, perSession) } ?? perSession
    }

    /// Whether nothing may be found.
    public var isNothing: Bool { maxCount == 0 || perSession == 0 || limit == 0 }

    /// Whether context around selected lines is passed on.
    public var hasContext: Bool { (before > 0 || after > 0) && wanted == .lines }
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
    /// Whether lines are selected by time.
    public var hasWindow: Bool { window != nil || relative != nil }

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
    /// Members not searched because another member of their session has the same bytes.
    public var copies = 0
    /// Members too large to be searched at once for matches that span lines: see ``MatchWindow``.
    public var membersInParts = 0
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
    /// Time that threads spent on blocks; 0 unless `SearchOptions.measuresTime` is set.
    public var nanoseconds: UInt64 = 0
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
    /// Whether the caller ended the search.
    public var isCancelled = false

    /// The message for a line on which the pattern took too many steps.
    static let matchLimitWords = "the match limit was reached; it is not known whether the line matches"
    /// The message for a text whose rest is left out after many such lines.
    static let leftOutWords = "not searched from here on: the match limit was reached on each line before"

    /// The hint for one of the ``problems``.
    public static func hint(for problem: String) -> String {
        problem.hasSuffix(matchLimitWords) || problem.hasSuffix(leftOutWords)
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
