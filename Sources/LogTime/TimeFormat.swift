/// The timestamp format of a log member's lines.
///
/// The format is detected once per member and its raw value is stored in the pack, so the numbers must never change
/// their meaning.
public enum TimeFormat: UInt8, Sendable, CaseIterable {
    /// No known timestamps.
    case none = 0
    /// Unreal Engine: `[2025.11.20-21.16.03:123]`, UTC.
    case unreal = 1
    /// Source engine: `L 11/20/2025 - 21:16:03:`, the server's local time.
    case source = 2
    /// ISO-8601 and its relatives at the start of the line, optionally in brackets: Unity and NLog
    /// `2025-11-20 21:16:03.123`, `2025-11-20T21:16:03,123Z`, Go's `2025/11/20 21:16:03`.
    case iso = 3
    /// The same as `iso`, but anywhere in the first 64 bytes of the line, after a level or a logger's name.
    case isoInside = 4
    /// JSON lines with a time key such as `ts`, `time` or `@timestamp`: ISO text or an epoch number.
    case json = 5
    /// klog and glog: `I1120 21:16:03.123456`; the year comes from the session.
    case klog = 6
    /// BSD syslog: `Nov 20 21:16:03`; the year comes from the session.
    case syslog = 7
    /// Seconds (10 digits, fraction allowed), milliseconds, microseconds or nanoseconds since 1970 at the start of the
    /// line.
    case epoch = 8
    /// `[21:16:03]` or `21:16:03.123`: the date is that of the session's start, or the next day after midnight.
    case timeOnly = 9
    /// Seconds of a counter: Factorio ` 12.345 Info`, the kernel `[ 870.644191]`, the JVM `[0.012s]`. The member's
    /// first timestamp is the session's start.
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
    /// `[00:12:34]: `, the server's uptime. The member's first timestamp is the session's start.
    case elapsed = 17

    /// The formats, in order of preference when several fit equally well.
    static let byPreference: [TimeFormat] = [
        .unreal, .source, .iso, .json, .klog, .syslog, .ctime, .epoch, .isoInside, .namedMonth, .monthFirst, .dayFirst,
        .monthDay, .uptime, .elapsed, .timeOnly, .timeInside,
    ]

    /// Whether few matches suffice, because nothing else looks like this format.
    var isDistinctive: Bool {
        switch self {
        case .unreal, .source, .iso, .ctime, .namedMonth: true
        case .none, .isoInside, .json, .klog, .syslog, .epoch, .timeOnly, .uptime, .monthFirst, .dayFirst, .monthDay,
            .timeInside, .elapsed:
            false
        }
    }

    /// Whether timestamps count from a start that the line does not contain, so that ``TimeContext/counterStart`` is
    /// needed.
    public var countsFromStart: Bool { self == .uptime || self == .elapsed }
}
