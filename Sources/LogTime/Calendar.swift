/// Calendar arithmetic of the proleptic Gregorian calendar, without a time zone library.
enum Calendar {
    /// Days from 1970-01-01 to a date; month 1...12, day 1...31.
    @inline(__always)
    static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year &- 1 : year
        let era = (shifted >= 0 ? shifted : shifted &- 399) / 400
        let yearOfEra = shifted &- era &* 400
        let monthFromMarch = month > 2 ? month &- 3 : month &+ 9
        let dayOfYear = (153 &* monthFromMarch &+ 2) / 5 &+ day &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468
    }

    /// The year of a day, in days since 1970-01-01.
    static func year(ofDay day: Int) -> Int {
        let shifted = day &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra =
            (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let year = yearOfEra &+ era &* 400
        return dayOfYear >= 306 ? year &+ 1 : year
    }

    /// Days since 1970 of a time in milliseconds, rounded down.
    static func day(ofMillis millis: Int64) -> Int {
        let days = millis / 86_400_000
        return Int(millis % 86_400_000 < 0 ? days - 1 : days)
    }

    /// Milliseconds since 1970 of a date and a time of day; nil when a field is out of range.
    @inline(__always)
    static func millis(day: Int, hour: Int, minute: Int, second: Int, milli: Int) -> Int64? {
        // A leap second is accepted as the first second of the next minute.
        guard hour <= 23, minute <= 59, second <= 60 else { return nil }
        return ((Int64(day) &* 24 &+ Int64(hour)) &* 60 &+ Int64(minute)) &* 60_000 &+ Int64(second) &* 1000
            &+ Int64(milli)
    }
}
