public import Calendar
import Clocks

/// Formats and parses instants and spans. Instants are milliseconds since 1970 UTC, spans are milliseconds.
public enum TimeText {
    /// The current instant.
    public static func now() -> Int64 {
        WallClock.now()
    }

    /// `2026-11-20 21:16:03` in the zone of ``DisplayZone``, for a column whose heading names the zone.
    public static func table(_ milliseconds: Int64) -> String { table(milliseconds, DisplayZone.rules) }

    /// `2026-11-20 21:16:03` in a zone.
    public static func table(_ milliseconds: Int64, _ zone: TimeZoneRules) -> String {
        let shown = min(max(milliseconds, ISO8601.range.lowerBound), ISO8601.range.upperBound)
        return String(zone.local(shown).text(timeMark: " ").dropLast(4))
    }

    /// `2026-11-20 21:16:03 CET`: the time with the abbreviation of its zone, for sentences.
    public static func zoned(_ milliseconds: Int64, _ zone: TimeZoneRules = DisplayZone.rules) -> String {
        "\(table(milliseconds, zone)) \(zone.offset(at: milliseconds).name)"
    }

    /// `2026-11-20 21:16:03 to 2026-11-20 22:00:00 CET`; both have an abbreviation if they differ.
    public static func range(_ from: Int64, _ to: Int64, _ zone: TimeZoneRules = DisplayZone.rules) -> String {
        let isOne = zone.offset(at: from).name == zone.offset(at: to).name
        return "\(isOne ? table(from, zone) : zoned(from, zone)) to \(zoned(to, zone))"
    }

    /// A span as its two largest units: `3 h 12 min`, `4.2 s`, `870 ms`.
    public static func span(_ milliseconds: Int64) -> String {
        let magnitude = milliseconds.magnitude
        let sign = milliseconds < 0 ? "-" : ""
        switch magnitude {
        case 0..<1000: return "\(sign)\(magnitude) ms"
        case 1000..<60_000: return "\(sign)\(magnitude / 1000).\(magnitude % 1000 / 100) s"
        case 60_000..<3_600_000: return "\(sign)\(magnitude / 60_000) min \(magnitude / 1000 % 60) s"
        case 3_600_000..<86_400_000: return "\(sign)\(magnitude / 3_600_000) h \(magnitude / 60_000 % 60) min"
        default: return "\(sign)\(magnitude / 86_400_000) d \(magnitude / 3_600_000 % 24) h"
        }
    }

    /// Parses an instant in one of the forms of `TimeExpression`: `02:45`, `yesterday 22:00`, `2026-11-29 02:45`, `2h`.
    /// Returns nil for any other text.
    ///
    /// - Parameter zone: the zone of times without one. What a file or a client says is UTC; what a person types is a
    ///   time of ``DisplayZone``.
    public static func parse(_ text: String, now: Int64, zone: TimeZoneRules = .utc) -> Int64? {
        TimeExpression.instant(text, now: now, zone: zone)
    }

    /// Parses a span such as `90s`, `15m`, `2h`, `1h30m`, `7d`, `2w` to milliseconds; nil for any other text.
    public static func parseSpan(_ text: String) -> Int64? { TimeSpan.milliseconds(text) }
}
