/// Formats and reads instants, in milliseconds since 1970 UTC, as ISO 8601 (the profile of RFC 3339).
public enum ISO8601 {
    /// The instants that a text can hold: the years 0 to 9999.
    public static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// `2026-11-20T21:16:03.123Z`; nil outside ``range``.
    public static func text(_ milliseconds: Int64) -> String? {
        range.contains(milliseconds) ? text(clamping: milliseconds) : nil
    }

    /// `2026-11-20T21:16:03.123Z`, with the nearest instant of ``range`` for one outside it, as broken data may hold.
    public static func text(clamping milliseconds: Int64) -> String {
        var fields = CivilTime(milliseconds: min(max(milliseconds, range.lowerBound), range.upperBound)).fields()
        fields.add("Z")
        return fields.string
    }

    /// Milliseconds since 1970 of `2026-11-20` or `2026-11-20T21:00[:05[.123…]][Z|+01:00|+0100|+01]`, with `T` or a
    /// space before the time. UTC without a zone. Digits after the third of a fraction are ignored.
    ///
    /// Nil for any other text, and for a date or time that does not exist, such as February 30.
    public static func milliseconds(_ text: String) -> Int64? {
        fields(text).map { $0.time - ($0.zone ?? 0) }
    }

    /// The date and time of such a text, as the milliseconds since 1970 that it would be in UTC, and its zone in
    /// milliseconds east of UTC; the zone is nil if the text has none.
    static func fields(_ text: String) -> (time: Int64, zone: Int64?)? {
        var fields = DateFields(text)
        guard let year = fields.number(4), fields.take("-"), let month = fields.number(2), fields.take("-"),
            let day = fields.number(2), let date = CivilDate(checking: year, month, day)
        else { return nil }
        if fields.isAtEnd { return (Int64(date.daysSince1970) * CivilDate.millisecondsPerDay, nil) }
        guard fields.take("T") || fields.take(" "), let hour = fields.number(2), fields.take(":"),
            let minute = fields.number(2)
        else { return nil }
        var second = 0
        var millisecond = 0
        if fields.take(":") {
            guard let number = fields.number(2) else { return nil }
            second = number
            if fields.take(".") { millisecond = fields.fraction() }
        }
        guard
            let local = CivilTime.milliseconds(
                day: date.daysSince1970, hour: hour, minute: minute, second: second, millisecond: millisecond)
        else { return nil }
        if fields.isAtEnd { return (local, nil) }
        guard let zone = fields.zone(), fields.isAtEnd else { return nil }
        return (local, zone)
    }
}

/// Reads the fields of a date from the front of a text.
struct DateFields {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    /// A number of exactly `width` digits.
    mutating func number(_ width: Int) -> Int? {
        var value = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// A number of one or two digits.
    mutating func oneOrTwo() -> Int? {
        guard let first = digit() else { return nil }
        return digit().map { first * 10 + $0 } ?? first
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == scalar.value else { return false }
        rest.removeFirst()
        return true
    }

    /// Takes all bytes of a word, or none.
    mutating func take(word: StaticString) -> Bool {
        word.withUTF8Buffer { bytes in
            guard rest.starts(with: bytes) else { return false }
            rest.removeFirst(bytes.count)
            return true
        }
    }

    /// The month of an English abbreviation.
    mutating func monthName() -> Int? {
        let name = Array(rest.prefix(3))
        guard name.count == 3, let month = CivilDate.month(named: name[0], name[1], name[2]) else { return nil }
        rest.removeFirst(3)
        return month
    }

    /// Skips ASCII letters, at least one.
    mutating func skipWord() -> Bool {
        let before = rest.count
        rest = rest.drop { ($0 | 0x20) &- 0x61 <= 25 }
        return rest.count < before
    }

    /// The digits of a fraction as milliseconds.
    mutating func fraction() -> Int {
        var value = 0
        var scale = 100
        while let digit = digit() {
            value += digit * scale
            scale /= 10
        }
        return value
    }

    /// A zone in milliseconds east of UTC; 0 at the end of the text and for `Z`. Nil for a zone that does not exist.
    mutating func zone() -> Int64? {
        if isAtEnd || take("Z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = number(2) else { return nil }
        _ = take(":")
        guard let minutes = isAtEnd ? 0 : number(2), hours < 24, minutes < 60 else { return nil }
        let east = Int64(hours * 60 + minutes) * 60_000
        return isWest ? -east : east
    }

    private mutating func digit() -> Int? {
        guard let byte = rest.first, byte &- 0x30 <= 9 else { return nil }
        rest.removeFirst()
        return Int(byte - 0x30)
    }
}
