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
    /// Seconds that a counter shows: Factorio `  12.345 Info`, the kernel `[  870.644191]`, the JVM `[0.012s]`. The
    /// member's first stamp is the session's start.
    case uptime = 10
    /// `11/20/2026 21:16:03`, `11/20/2026, 9:16:03 PM`, month first, in the first 80 bytes of the line.
    case monthFirst = 11
    /// `20.11.2026 21:16:03`, `20/11/2026 21:16:03`, day first, in the first 80 bytes of the line.
    case dayFirst = 12
    /// A date with the month's name: nginx `[20/Nov/2026:21:16:03 +0000]`, Tomcat `20-Nov-2026 21:16:03.123`, Redis
    /// `20 Nov 2026 21:16:03`, Forge `[20Nov2026 21:16:03.123]`, Java `Nov 20, 2026 9:16:03 PM`.
    case namedMonth = 13
    /// ctime(3) and date(1): `Fri Nov 20 21:16:03 2026`, optionally in brackets.
    case ctime = 14
    /// Month and day without a year: logcat `11-20 21:16:03.123`, Source 2 `11/20 21:16:03`; the year comes from the
    /// session.
    case monthDay = 15
    /// A time of day somewhere in the first 64 bytes of the line, after a level or a thread.
    case timeInside = 16
    /// `[00:12:34]: `, the time that the server has run for. The member's first stamp is the session's start.
    case elapsed = 17

    /// The formats in the order in which detection prefers them when two fit equally well.
    static let byPreference: [TimeFormat] = [
        .unreal, .source, .iso, .json, .klog, .syslog, .ctime, .epoch, .isoInside, .namedMonth, .monthFirst, .dayFirst,
        .monthDay, .uptime, .elapsed, .timeOnly, .timeInside,
    ]

    /// True where a single match is proof enough, because nothing else looks like it.
    var isDistinctive: Bool {
        switch self {
        case .unreal, .source, .iso, .ctime, .namedMonth: true
        case .none, .isoInside, .json, .klog, .syslog, .epoch, .timeOnly, .uptime, .monthFirst, .dayFirst, .monthDay,
            .timeInside, .elapsed:
            false
        }
    }

    /// Whether stamps count from a start that the line does not name, so that ``TimeContext/counterStart`` is needed.
    public var countsFromStart: Bool { self == .uptime || self == .elapsed }
}
