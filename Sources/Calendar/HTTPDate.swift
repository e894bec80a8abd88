/// Reads HTTP dates (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, and the two old forms
/// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
public enum HTTPDate {
    /// Seconds since 1970; nil when the text is not such a date, or its date or time does not exist. The weekday is not
    /// checked.
    public static func seconds(_ text: String) -> Int64? {
        var fields = DateFields(text)
        guard fields.skipWord() else { return nil }
        let isOldest = !fields.take(",")
        fields.skipSpaces()
        return isOldest ? asctime(&fields) : dayFirst(&fields)
    }

    /// `06 Nov 1994 08:49:37 GMT`, `06-Nov-94 08:49:37 GMT`
    private static func dayFirst(_ fields: inout DateFields) -> Int64? {
        guard let day = fields.oneOrTwo() else { return nil }
        let hasDashes = fields.take("-")
        fields.skipSpaces()
        guard let month = fields.monthName(), hasDashes == fields.take("-") else { return nil }
        fields.skipSpaces()
        guard var year = fields.number(2) else { return nil }
        // RFC 9110 resolves two-digit years relative to today; up to 69 they belong to this century.
        if hasDashes {
            year += year < 70 ? 2000 : 1900
        } else {
            guard let rest = fields.number(2) else { return nil }
            year = year * 100 + rest
        }
        fields.skipSpaces()
        guard let clock = clock(&fields) else { return nil }
        fields.skipSpaces()
        guard fields.take(word: "GMT"), fields.isAtEnd else { return nil }
        return seconds(year, month, day, clock)
    }

    /// `Nov  6 08:49:37 1994`
    private static func asctime(_ fields: inout DateFields) -> Int64? {
        guard let month = fields.monthName() else { return nil }
        fields.skipSpaces()
        guard let day = fields.oneOrTwo() else { return nil }
        fields.skipSpaces()
        guard let clock = clock(&fields) else { return nil }
        fields.skipSpaces()
        guard let year = fields.number(4), fields.isAtEnd else { return nil }
        return seconds(year, month, day, clock)
    }

    private static func clock(_ fields: inout DateFields) -> (hour: Int, minute: Int, second: Int)? {
        guard let hour = fields.oneOrTwo(), fields.take(":"), let minute = fields.number(2), fields.take(":"),
            let second = fields.number(2)
        else { return nil }
        return (hour, minute, second)
    }

    private static func seconds(
        _ year: Int, _ month: Int, _ day: Int, _ clock: (hour: Int, minute: Int, second: Int)
    ) -> Int64? {
        guard year >= 1970, let date = CivilDate(checking: year, month, day) else { return nil }
        return CivilTime.milliseconds(
            day: date.daysSince1970, hour: clock.hour, minute: clock.minute, second: clock.second, millisecond: 0
        ).map { $0 / 1000 }
    }
}

extension DateFields {
    /// Skips spaces, perhaps none.
    fileprivate mutating func skipSpaces() {
        while take(" ") {}
    }
}
