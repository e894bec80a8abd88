/// Reads an instant as people write it: `02:45`, `yesterday 22:00`, `monday`, `2026-11-29 02:45`, `2h`.
///
/// A time without a zone is a time of the given zone; see ``TimeZoneRules/instant(ofLocal:)`` for times that its clocks
/// show twice or never. A day without a time is its first instant.
public struct TimeExpression {
    /// The accepted forms, for messages.
    public static let forms =
        "02:45, '2026-11-29 02:45', 2026-11-29T02:45Z, 2026-11-29, 'yesterday 22:00', 'monday 08:00', 'last week', 2h, "
        + "'2 hours ago' or @1795920300"

    private let now: Int64
    private let zone: TimeZoneRules

    /// Milliseconds since 1970 of a text; nil if it is not written in one of these forms:
    ///
    /// | form | is |
    /// |---|---|
    /// | `02:45`, `02:45:30` | today; yesterday if that is in the future |
    /// | `today`, `yesterday`, `tomorrow` | the beginning of that day, or a time on it: `yesterday 22:00` |
    /// | `monday`, `mon`, `last monday` | the beginning of the latest Monday, today included without `last`; or a time on it: `monday 08:00` |
    /// | `this week`, `last week` | the beginning of its Monday |
    /// | `this month`, `last month` | the beginning of its first day |
    /// | `2026-11-29` | the beginning of that day |
    /// | `2026-11-29 02:45`, with seconds and a fraction, with `T`, with `Z` or `+01:00` | that time |
    /// | `2h`, `1h30m`, `7d`, `2h ago`, `2 hours ago`, `a week ago` | that long before now |
    /// | `@1795920300`, `@1795920300123` | seconds or, from 12 digits on, milliseconds since 1970 |
    /// | `now` | now |
    ///
    /// Letter case and the number of spaces do not matter.
    public static func instant(_ text: String, now: Int64, zone: TimeZoneRules) -> Int64? {
        // No form is longer, and the text may come from anyone.
        guard text.utf8.count <= 64 else { return nil }
        let expression = TimeExpression(now: now, zone: zone)
        let words = text.lowercased().split(separator: " ")
        return expression.instant(words)
    }

    private func instant(_ words: [Substring]) -> Int64? {
        switch words.count {
        case 1: return single(words[0])
        case 2: return ago(words) ?? pair(words[0], words[1])
        case 3:
            if let instant = ago(words) { return instant }
            guard words[0] == "last", let date = day(named: words[1], isLast: true) else { return nil }
            return time(words[2], on: date)
        default: return nil
        }
    }

    private func single(_ word: Substring) -> Int64? {
        if word == "now" { return now }
        if word.hasPrefix("@") { return epoch(word.dropFirst()) }
        if let span = TimeSpan.milliseconds(String(word)) { return before(span) }
        if let clock = ClockTime(word) { return latest(clock, on: today, else: 1) }
        if let date = day(named: word) { return zone.start(of: date) }
        return dated(word)
    }

    private func pair(_ first: Substring, _ second: Substring) -> Int64? {
        switch (first, second) {
        case ("this", "week"): return zone.start(of: monday)
        case ("last", "week"): return zone.start(of: CivilDate(daysSince1970: monday.daysSince1970 - 7))
        case ("this", "month"): return month(back: 0)
        case ("last", "month"): return month(back: 1)
        case ("last", _): return day(named: second, isLast: true).map { zone.start(of: $0) }
        default: break
        }
        guard let date = day(named: first) else { return dated(first + " " + second) }
        // Early on a Monday, the latest `monday 08:00` is a week ago.
        guard Self.weekday(first) != nil else { return time(second, on: date) }
        return ClockTime(second).flatMap { latest($0, on: date, else: 7) }
    }

    /// `2h ago`, `2 hours ago`, `a week ago`, `an hour ago`.
    private func ago(_ words: [Substring]) -> Int64? {
        guard words.last == "ago" else { return nil }
        if words.count == 2 { return TimeSpan.milliseconds(String(words[0])).flatMap { before($0) } }
        let count = words[0] == "a" || words[0] == "an" ? "1" : words[0]
        return TimeSpan.milliseconds(count: count, word: words[1]).flatMap { before($0) }
    }

    private func before(_ span: Int64) -> Int64? {
        let (instant, overflow) = now.subtractingReportingOverflow(span)
        return overflow ? nil : instant
    }

    private func epoch(_ digits: Substring) -> Int64? {
        guard let number = Int64(digits), !digits.hasPrefix("+") else { return nil }
        if number.magnitude >= 100_000_000_000 { return number }
        return number * 1000
    }

    private func dated(_ text: Substring) -> Int64? {
        // The form of RFC 3339 has capital letters.
        guard let (time, offset) = ISO8601.fields(text.uppercased()) else { return nil }
        return offset.map { time - $0 } ?? zone.instant(ofLocal: time)
    }

    private var today: CivilDate { zone.local(now).date }

    /// The Monday of this week. 1970-01-01 was a Thursday.
    private var monday: CivilDate {
        let days = today.daysSince1970
        return CivilDate(daysSince1970: days - Self.remainder(days + 3, 7))
    }

    private func month(back: Int) -> Int64 {
        let date = today
        let months = date.year * 12 + date.month - 1 - back
        let month = Self.remainder(months, 12)
        return zone.start(of: CivilDate(year: (months - month) / 12, month: month + 1, day: 1))
    }

    private func day(named name: Substring, isLast: Bool = false) -> CivilDate? {
        let days = today.daysSince1970
        switch name {
        case "today" where !isLast: return today
        case "yesterday" where !isLast: return CivilDate(daysSince1970: days - 1)
        case "tomorrow" where !isLast: return CivilDate(daysSince1970: days + 1)
        default: break
        }
        guard let weekday = Self.weekday(name) else { return nil }
        let back = Self.remainder(days + 3 - weekday, 7)
        return CivilDate(daysSince1970: days - (back == 0 && isLast ? 7 : back))
    }

    /// The number of a weekday's name or abbreviation, Monday 0.
    private static func weekday(_ name: Substring) -> Int? {
        let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        guard name.utf8.count >= 3 else { return nil }
        let isShort = name.utf8.count == 3 || name == "tues" || name == "thur" || name == "thurs"
        return names.firstIndex { $0 == name || isShort && $0.hasPrefix(name) }
    }

    private func time(_ word: Substring, on date: CivilDate) -> Int64? {
        ClockTime(word).map { zone.instant(ofLocal: $0.milliseconds(on: date)) }
    }

    /// A time on a date, or as many days earlier if that is in the future.
    private func latest(_ clock: ClockTime, on date: CivilDate, else days: Int) -> Int64 {
        let instant = zone.instant(ofLocal: clock.milliseconds(on: date))
        guard instant > now else { return instant }
        return zone.instant(ofLocal: clock.milliseconds(on: CivilDate(daysSince1970: date.daysSince1970 - days)))
    }

    private static func remainder(_ number: Int, _ divisor: Int) -> Int {
        let rest = number % divisor
        return rest < 0 ? rest + divisor : rest
    }
}

/// A time of day: `2:45`, `02:45`, `02:45:30`.
private struct ClockTime {
    private let hour: Int
    private let minute: Int
    private let second: Int

    init?(_ text: Substring) {
        var fields = DateFields(String(text))
        guard let hour = fields.oneOrTwo(), fields.take(":"), let minute = fields.number(2) else { return nil }
        var second = 0
        if fields.take(":") {
            guard let number = fields.number(2) else { return nil }
            second = number
        }
        guard fields.isAtEnd, hour < 24, minute < 60, second < 60 else { return nil }
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// The time on a date, as the milliseconds since 1970 that it would be in UTC.
    func milliseconds(on date: CivilDate) -> Int64 {
        Int64(date.daysSince1970) * CivilDate.millisecondsPerDay + Int64((hour * 60 + minute) * 60 + second) * 1000
    }
}
