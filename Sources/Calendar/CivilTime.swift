/// A date and a time of day in UTC, to the millisecond.
public struct CivilTime: Sendable, Hashable {
    /// The date.
    public var date: CivilDate
    /// The hour, from 0 to 23.
    public var hour: Int
    /// The minute, from 0 to 59.
    public var minute: Int
    /// The second, from 0 to 59.
    public var second: Int
    /// The millisecond, from 0 to 999.
    public var millisecond: Int

    /// Splits an instant, in milliseconds since 1970, into its fields.
    public init(milliseconds: Int64) {
        let days = CivilDate.days(ofMilliseconds: milliseconds)
        let rest = Int(milliseconds &- Int64(days) &* CivilDate.millisecondsPerDay)
        date = CivilDate(daysSince1970: days)
        hour = rest / 3_600_000
        minute = rest / 60_000 % 60
        second = rest / 1000 % 60
        millisecond = rest % 1000
    }

    /// Milliseconds since 1970 of a day, in days since 1970-01-01, and a time of day; nil when the time does not exist.
    ///
    /// A leap second (60) is the first second of the next minute.
    @inlinable @inline(__always)
    public static func milliseconds(day: Int, hour: Int, minute: Int, second: Int, millisecond: Int) -> Int64? {
        guard hour >= 0, hour <= 23, minute >= 0, minute <= 59, second >= 0, second <= 60 else { return nil }
        return ((Int64(day) &* 24 &+ Int64(hour)) &* 60 &+ Int64(minute)) &* 60_000 &+ Int64(second) &* 1000
            &+ Int64(millisecond)
    }

    /// The fields as text with the given separators: `2026-11-20T21:16:03.123` by default. Years have at least four
    /// digits.
    public func text(
        dateSeparator: Unicode.Scalar = "-", timeMark: Unicode.Scalar = "T", timeSeparator: Unicode.Scalar = ":",
        fractionMark: Unicode.Scalar = "."
    ) -> String {
        fields(dateSeparator, timeMark, timeSeparator, fractionMark).string
    }

    func fields(
        _ dateSeparator: Unicode.Scalar = "-", _ timeMark: Unicode.Scalar = "T",
        _ timeSeparator: Unicode.Scalar = ":", _ fractionMark: Unicode.Scalar = "."
    ) -> DecimalFields {
        var text = DecimalFields()
        text.add(date, separator: dateSeparator)
        text.add(timeMark)
        text.add(hour, width: 2)
        text.add(timeSeparator)
        text.add(minute, width: 2)
        text.add(timeSeparator)
        text.add(second, width: 2)
        text.add(fractionMark)
        text.add(millisecond, width: 3)
        return text
    }
}

/// Builds a text of zero-padded numbers and separators.
struct DecimalFields {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(32) }

    var string: String { String(decoding: bytes, as: UTF8.self) }

    mutating func add(_ separator: Unicode.Scalar) { bytes.append(contentsOf: UTF8.encode(separator) ?? .init()) }

    mutating func add(_ value: Int, width: Int) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        while bytes.count - start < width { bytes.append(UInt8(ascii: "0")) }
        bytes[start...].reverse()
    }

    mutating func add(_ date: CivilDate, separator: Unicode.Scalar) {
        add(date.year, width: 4)
        add(separator)
        add(date.month, width: 2)
        add(separator)
        add(date.day, width: 2)
    }
}
