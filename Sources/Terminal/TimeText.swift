import Calendar
import Clocks
import Glibc

/// Formats and parses instants and spans. Instants are milliseconds since 1970 UTC, spans are milliseconds.
public enum TimeText {
    /// The current instant.
    public static func now() -> Int64 {
        WallClock.now()
    }

    /// `2026-11-20 21:16:03`, for tables.
    public static func table(_ milliseconds: Int64) -> String {
        let text = ISO8601.text(clamping: milliseconds)
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8)
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

    /// Parses an instant: `2h` (that long before `now`), `now`, `today`, `yesterday`, `2026-11-20`,
    /// `2026-11-20T21:00[:05[.123]][Z|+01:00]` (UTC without a zone), or epoch seconds as `@1763673363`. Returns nil for
    /// any other text.
    public static func parse(_ text: String, now: Int64) -> Int64? {
        let day = CivilDate.millisecondsPerDay
        let today = Int64(CivilDate.days(ofMilliseconds: now)) * day
        switch text {
        case "now": return now
        case "today": return today
        case "yesterday": return today - day
        default: break
        }
        if text.hasPrefix("@"), let seconds = Int64(text.dropFirst()) {
            let (value, overflow) = seconds.multipliedReportingOverflow(by: 1000)
            return overflow ? nil : value
        }
        if let span = parseSpan(text) { return now - span }
        return ISO8601.milliseconds(text)
    }

    /// Parses a span such as `90s`, `15m`, `2h`, `1h30m`, `7d`, `2w` to milliseconds; nil for any other text.
    public static func parseSpan(_ text: String) -> Int64? {
        var total: Int64 = 0
        var digits = ""
        var units = 0
        var rest = text[...]
        while let character = rest.first {
            rest.removeFirst()
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            var unit = String(character)
            if unit == "m", rest.first == "s" {
                rest.removeFirst()
                unit = "ms"
            }
            let factors: [String: Int64] = [
                "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
            ]
            guard let factor = factors[unit], let count = Int64(digits) else { return nil }
            let (part, overflow) = count.multipliedReportingOverflow(by: factor)
            let (sum, overflowed) = total.addingReportingOverflow(part)
            if overflow || overflowed { return nil }
            total = sum
            digits = ""
            units += 1
        }
        return units > 0 && digits.isEmpty ? total : nil
    }
}
