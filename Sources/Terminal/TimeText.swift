import Clocks
import Glibc

/// Formats and parses instants and spans. Instants are milliseconds since 1970 UTC, spans are milliseconds.
public enum TimeText {
    /// The current instant.
    public static func now() -> Int64 {
        WallClock.now()
    }

    /// `2026-11-20T21:16:03.123Z`. Instants outside the years 0...9999 are clamped, because they come from broken data.
    public static func iso8601(_ milliseconds: Int64) -> String {
        let bounded = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
        let days = Int(floorDivide(bounded, 86_400_000))
        let rest = Int(bounded - Int64(days) * 86_400_000)
        let (year, month, day) = civil(fromDays: days)
        return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T" + pad(rest / 3_600_000, 2) + ":"
            + pad(rest / 60_000 % 60, 2) + ":" + pad(rest / 1000 % 60, 2) + "." + pad(rest % 1000, 3) + "Z"
    }

    /// `2026-11-20 21:16:03`, for tables.
    public static func table(_ milliseconds: Int64) -> String {
        let text = iso8601(milliseconds)
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
        let day: Int64 = 86_400_000
        let today = floorDivide(now, day) * day
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
        return parseDate(text)
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

    private static func parseDate(_ text: String) -> Int64? {
        var fields = DateFields(text: text)
        guard let year = fields.number(4), fields.take("-"), let month = fields.number(2), fields.take("-"),
            let day = fields.number(2), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var result = Int64(days(fromCivil: year, month, day)) * 86_400_000
        if fields.isAtEnd { return result }
        guard fields.take("T") || fields.take(" "), let hour = fields.number(2), fields.take(":"),
            let minute = fields.number(2), hour < 24, minute < 60
        else { return nil }
        result += Int64(hour) * 3_600_000 + Int64(minute) * 60_000
        if fields.take(":") {
            guard let second = fields.number(2), second < 61 else { return nil }
            result += Int64(second) * 1000
            if fields.take(".") { result += fields.fraction() }
        }
        if fields.isAtEnd || (fields.take("Z") && fields.isAtEnd) { return result }
        let sign: Int64 = fields.take("+") ? 1 : fields.take("-") ? -1 : 0
        guard sign != 0, let hours = fields.number(2) else { return nil }
        _ = fields.take(":")
        let minutes = fields.isAtEnd ? 0 : fields.number(2) ?? -1
        guard minutes >= 0, fields.isAtEnd else { return nil }
        return result - sign * (Int64(hours) * 3_600_000 + Int64(minutes) * 60_000)
    }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Source: Howard Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms".
    public static func days(fromCivil year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The date `days` after 1970-01-01, see ``days(fromCivil:_:_:)``.
    public static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }

    static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Reads the fields of a date from the front of a text.
private struct DateFields {
    private var rest: Substring

    init(text: String) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number(_ width: Int) -> Int? {
        let head = rest.prefix(width)
        guard head.count == width, head.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        rest = rest.dropFirst(width)
        return Int(head)
    }

    mutating func take(_ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    mutating func fraction() -> Int64 {
        var digits = ""
        while let digit = rest.first, digit.isASCII, digit.isNumber {
            if digits.count < 3 { digits.append(digit) }
            rest.removeFirst()
        }
        while digits.count < 3 { digits.append("0") }
        return Int64(digits) ?? 0
    }
}
