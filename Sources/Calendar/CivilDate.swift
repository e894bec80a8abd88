/// A date of the proleptic Gregorian calendar: the leap-year rule of 1582 applied to all years, 0 and negative ones
/// included.
///
/// Source of the arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
public struct CivilDate: Sendable, Hashable, Comparable {
    /// The year; 0 is the year before year 1.
    public var year: Int
    /// The month, from 1 to 12.
    public var month: Int
    /// The day of the month, from 1.
    public var day: Int

    /// Milliseconds in a day without leap seconds, as Unix time counts them.
    @inlinable
    public static var millisecondsPerDay: Int64 { 86_400_000 }

    /// Creates a date from fields that are known to be valid.
    ///
    /// A day beyond the end of its month counts on into the next month, so readers of log lines need not check it. A
    /// month outside 1...12 yields a meaningless date. See ``init(checking:_:_:)``.
    @inlinable @inline(__always)
    public init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Creates a date; nil when the month or the day does not exist in that year.
    @inlinable
    public init?(checking year: Int, _ month: Int, _ day: Int) {
        guard month >= 1, month <= 12, day >= 1, day <= Self.days(inMonth: month, of: year) else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// Creates the date `days` days after 1970-01-01. Never traps; correct for all years of up to 15 digits.
    @inlinable
    public init(daysSince1970 days: Int) {
        // Eras are 400 years long. Years begin in March, which puts the leap day last.
        let shifted = days &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let monthFromMarch = (5 &* dayOfYear &+ 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch &+ 3 : monthFromMarch &- 9
        self.init(
            year: yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear &- (153 &* monthFromMarch &+ 2) / 5 &+ 1)
    }

    /// Days from 1970-01-01 to this date; negative before it. Never traps; correct for all years of up to 15 digits.
    @inlinable @inline(__always)
    public var daysSince1970: Int {
        let shifted = month <= 2 ? year &- 1 : year
        let era = (shifted >= 0 ? shifted : shifted &- 399) / 400
        let yearOfEra = shifted &- era &* 400
        let monthFromMarch = month > 2 ? month &- 3 : month &+ 9
        let dayOfYear = (153 &* monthFromMarch &+ 2) / 5 &+ day &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468
    }

    /// Days from 1970-01-01 to the UTC day of an instant, in milliseconds since 1970. Rounds down before 1970.
    @inlinable @inline(__always)
    public static func days(ofMilliseconds milliseconds: Int64) -> Int {
        let days = milliseconds / 86_400_000
        return Int(milliseconds % 86_400_000 < 0 ? days &- 1 : days)
    }

    /// Whether a year has a February 29.
    @inlinable
    public static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Days in a month (1...12) of a year.
    @inlinable
    public static func days(inMonth month: Int, of year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
    }

    /// The month (1...12) of an English abbreviation such as `Nov`, in this spelling only.
    @inlinable
    public static func month(named first: UInt8, _ second: UInt8, _ third: UInt8) -> Int? {
        switch (first, second, third) {
        case (0x4A, 0x61, 0x6E): 1
        case (0x46, 0x65, 0x62): 2
        case (0x4D, 0x61, 0x72): 3
        case (0x41, 0x70, 0x72): 4
        case (0x4D, 0x61, 0x79): 5
        case (0x4A, 0x75, 0x6E): 6
        case (0x4A, 0x75, 0x6C): 7
        case (0x41, 0x75, 0x67): 8
        case (0x53, 0x65, 0x70): 9
        case (0x4F, 0x63, 0x74): 10
        case (0x4E, 0x6F, 0x76): 11
        case (0x44, 0x65, 0x63): 12
        default: nil
        }
    }

    /// The date as `2026-11-20`, or with another separator. Years have at least four digits.
    public func text(separator: Unicode.Scalar = "-") -> String {
        var text = DecimalFields()
        text.add(self, separator: separator)
        return text.string
    }

    /// Whether one date is before another.
    @inlinable
    public static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}
