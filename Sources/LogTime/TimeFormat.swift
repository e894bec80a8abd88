/// How the lines of one log member carry their time stamps.
///
/// The format is detected once per member and its raw value is stored with the member, so the numbers must never
/// change their meaning.
public enum TimeFormat: UInt8, Sendable, CaseIterable {
    /// No stamps that we can read.
    case none = 0
    /// Unreal Engine: `[2025.11.20-21.16.03:123]`, UTC.
    case unreal = 1
    /// Source engine: `L 11/20/2025 - 21:16:03:`, the server's local time.
    case source = 2
    /// ISO-8601 and its relatives at the start of the line, optionally in brackets: Unity and NLog
    /// `2025-11-20 21:16:03.123`, `2025-11-20T21:16:03,123Z`, Go's `2025/11/20 21:16:03`.
    case iso = 3
    /// The same shape somewhere in the first 64 bytes of the line, after a level or a logger's name.
    case isoInside = 4
    /// JSON lines with a key `ts`, `time`, `timestamp`, `@timestamp`, `t` or `datetime`: ISO text or an epoch number.
    case json = 5
    /// klog and glog: `I1120 21:16:03.123456`; the year comes from the session.
    case klog = 6
    /// BSD syslog: `Nov 20 21:16:03`; the year comes from the session.
    case syslog = 7
    /// Seconds (10 digits, fraction allowed), milli-, micro- or nanoseconds since 1970 at the start of the line.
    case epoch = 8
    /// `[21:16:03]` or `21:16:03.123`: the date comes from the session's start, plus one day once it has wrapped.
    case timeOnly = 9

    /// The formats in the order in which detection prefers them when two fit equally well.
    static let byPreference: [TimeFormat] = [
        .unreal, .source, .iso, .json, .klog, .syslog, .epoch, .isoInside, .timeOnly,
    ]

    /// True where a single match is proof enough, because nothing else looks like it.
    var isDistinctive: Bool {
        switch self {
        case .unreal, .source, .iso: true
        case .none, .isoInside, .json, .klog, .syslog, .epoch, .timeOnly: false
        }
    }
}

/// What a format needs to know beside the bytes of a line.
public struct TimeContext: Sendable, Equatable {
    /// Start of the session in milliseconds since 1970; gives year and day to formats that lack them.
    public var sessionStart: Int64
    /// Seconds east of UTC assumed where a stamp names no zone; 0 unless configured.
    public var zoneOffset: Int32

    /// Makes a context.
    public init(sessionStart: Int64 = 0, zoneOffset: Int32 = 0) {
        self.sessionStart = sessionStart
        self.zoneOffset = zoneOffset
    }
}

extension TimeFormat {
    /// Lines looked at for the ordinary formats.
    private static let sampleLines = 200

    /// Finds the format of a member from its first bytes.
    ///
    /// A format wins when at least a quarter of the first 200 lines carry it and their times do not jump about.
    /// Server logs often open with a launcher's chatter, so the distinctive formats are looked for in all of `head`.
    /// - Parameter head: the first bytes of the member, ideally its whole first block; a last partial line is ignored
    ///   unless it is the only one.
    /// - Returns: the format, or `.none`.
    public static func detect(_ head: UnsafeRawBufferPointer) -> TimeFormat {
        var tallies = byPreference.map { Tally(reader: TimeReader(format: $0, context: TimeContext())) }
        var lines = 0
        var walk = LineWalk(head)
        while let line = walk.next(), lines < sampleLines {
            guard line.count > 0 else { continue }
            lines += 1
            for index in tallies.indices { tallies[index].take(line) }
        }
        if let best = best(of: tallies, lines: lines) { return best }
        // Beyond the sample only formats that cannot be mistaken are trusted, and only when two lines show them.
        tallies = byPreference.filter(\.isDistinctive).map {
            Tally(reader: TimeReader(format: $0, context: TimeContext()))
        }
        while let line = walk.next() {
            for index in tallies.indices {
                tallies[index].take(line)
                if tallies[index].hits >= 2 { return tallies[index].reader.format }
            }
        }
        return .none
    }

    private static func best(of tallies: [Tally], lines: Int) -> TimeFormat? {
        var chosen: Tally?
        for tally in tallies where tally.isTrusted(lines: lines) {
            if let have = chosen, have.hits >= tally.hits { continue }
            chosen = tally
        }
        return chosen?.reader.format
    }

    /// How often one format fitted, and how often time went backwards.
    private struct Tally {
        let reader: TimeReader
        var hits = 0
        var backwards = 0
        var last: Int64?

        init(reader: TimeReader) { self.reader = reader }

        mutating func take(_ line: UnsafeRawBufferPointer) {
            guard let stamp = reader.stamp(of: line) else { return }
            hits += 1
            if let last, stamp < last { backwards += 1 }
            last = stamp
        }

        func isTrusted(lines: Int) -> Bool {
            guard hits > 0, backwards * 5 <= hits * 2 else { return false }
            if reader.format.isDistinctive { return hits >= 2 || hits * 4 >= lines }
            return hits * 4 >= lines
        }
    }
}
