public import LogSearch
public import Model

/// A search of logs as a value: what ``Store/search(_:threads:isCancelled:_:)`` finds.
public struct SearchRequest: Sendable, Equatable {
    /// The pattern, in PCRE2's syntax unless `fixed`. Empty matches every line.
    public var pattern: String
    /// The pattern is literal text.
    public var fixed = false
    /// Ignore case.
    public var ignoreCase = false
    /// Ignore case unless the pattern has an upper-case letter.
    public var smartCase = false
    /// A match must not be adjacent to word characters.
    public var word = false
    /// Find lines that do not match.
    public var invert = false
    /// A match may span lines.
    public var multiline = false
    /// Lines of context before a match.
    public var before = 0
    /// Lines of context after a match.
    public var after = 0
    /// Most matching lines of each session.
    public var perSession: Int?
    /// Most matching lines of all; in the order of time at most 10,000, and 1,000 if nil.
    public var limit: Int?
    /// The order. In the order of time, hits are passed once all are found; else they are passed as they are found.
    public var sorting = SearchSorting()
    /// The sessions. Its `since`, `until` and `limit` concern sessions, not lines.
    public var selection = Selection()
    /// Globs of member paths, of which one must match; empty selects all.
    public var paths: [String] = []
    /// Only lines since this time (ms since 1970), and of sessions that ended since then.
    public var since: Int64?
    /// Only lines before this time (ms since 1970).
    public var until: Int64?
    /// Leave out members whose time format is not known, if lines are selected or sorted by time.
    public var strictTime = false
    /// Search members of one session with the same bytes once.
    public var mergesCopies = true
    /// Which part of the sessions is searched, and how much may be read.
    public var scope = SearchScope()

    /// Creates a search for a pattern.
    public init(_ pattern: String) { self.pattern = pattern }

    /// The pattern's options.
    var reading: PatternOptions {
        var reading = PatternOptions([pattern])
        reading.fixed = fixed
        reading.ignoreCase = ignoreCase
        reading.smartCase = smartCase
        reading.word = word
        reading.multiline = multiline
        return reading
    }

    /// The search's options.
    var options: SearchOptions {
        var options = SearchOptions()
        options.invert = invert
        options.before = max(0, before)
        options.after = max(0, after)
        options.perSession = perSession
        options.limit = sorting.order == .time ? nil : limit
        options.paths = paths
        options.stopsAtNUL = false
        options.findsTimes = true
        options.strictTime = strictTime
        options.mergesCopies = mergesCopies
        if since != nil || until != nil {
            let low = since ?? .min
            options.window = low...max(low, until.map { $0 == .min ? .min : $0 - 1 } ?? .max)
        }
        return options
    }

    /// The sessions that can hold such lines.
    var sessions: Selection {
        var sessions = selection
        if let since { sessions.since = max(since, selection.since ?? since) }
        return sessions
    }
}

/// One line that a search found, or adjacent lines that a match spans.
public struct SearchHit: Sendable {
    /// Where it is.
    public let member: SearchedMember
    /// Its number, from 1; of several lines that of the first.
    public let number: UInt64
    /// Its time (ms since 1970), its own or that of the line before it; nil if the member's time format is not known.
    public let time: Int64?
    /// Whether it matches, rather than being context of a line that does.
    public let isMatch: Bool
    /// Its bytes without the last line feed, at most the first 64 KiB: any encoding, control characters included.
    public let text: [UInt8]
    /// The number of all its bytes.
    public let size: Int
    /// The matches, as offsets in `text`.
    public let matches: [Range<Int>]
}

/// The end of a search.
public struct SearchOutcome: Sendable {
    /// Its statistics.
    public let report: SearchReport
    /// One message for each pack, log or line that could not be searched, at most 200.
    public let problems: [String]
    /// Whether there are more hits than were passed: the limit of a search in the order of time was reached.
    public let hasMore: Bool
}
