import Calendar
import Testing

/// Times as people write them, in a zone and at a time of the tests.
@Suite struct TimeExpressionTests {
    /// Central Europe in 2026: clocks are put forward at 02:00 on March 29 and put back at 03:00 on October 25.
    static let berlin = TimeZoneRules(
        first: .init(seconds: 3600, name: "CET"),
        changes: [
            (from: 1_774_746_000, offset: .init(seconds: 7200, name: "CEST")),
            (from: 1_792_890_000, offset: .init(seconds: 3600, name: "CET")),
        ])

    /// Reads a text in Berlin and writes the instant in UTC.
    private func read(_ text: String, at now: String = "2026-11-29T03:15:00Z") throws -> String? {
        let now = try #require(ISO8601.milliseconds(now))
        return TimeExpression.instant(text, now: now, zone: Self.berlin).flatMap { ISO8601.text($0) }
    }

    /// It is Sunday, 04:15.
    @Test(arguments: [
        ("now", "2026-11-29T03:15:00.000Z"), ("02:45", "2026-11-29T01:45:00.000Z"),
        ("2:45", "2026-11-29T01:45:00.000Z"), ("02:45:30", "2026-11-29T01:45:30.000Z"),
        ("04:15", "2026-11-29T03:15:00.000Z"), ("04:16", "2026-11-28T03:16:00.000Z"),
        ("22:00", "2026-11-28T21:00:00.000Z"), ("today", "2026-11-28T23:00:00.000Z"),
        ("yesterday", "2026-11-27T23:00:00.000Z"), ("tomorrow", "2026-11-29T23:00:00.000Z"),
        ("yesterday 22:00", "2026-11-28T21:00:00.000Z"), ("today 23:00", "2026-11-29T22:00:00.000Z"),
        ("  Yesterday   22:00 ", "2026-11-28T21:00:00.000Z"), ("monday", "2026-11-22T23:00:00.000Z"),
        ("Mon 08:00", "2026-11-23T07:00:00.000Z"), ("sunday", "2026-11-28T23:00:00.000Z"),
        ("sunday 04:00", "2026-11-29T03:00:00.000Z"), ("sunday 05:00", "2026-11-22T04:00:00.000Z"),
        ("last sunday", "2026-11-21T23:00:00.000Z"), ("last monday", "2026-11-22T23:00:00.000Z"),
        ("last monday 08:00", "2026-11-23T07:00:00.000Z"), ("this week", "2026-11-22T23:00:00.000Z"),
        ("last week", "2026-11-15T23:00:00.000Z"), ("this month", "2026-10-31T23:00:00.000Z"),
        ("last month", "2026-09-30T22:00:00.000Z"), ("2026-11-29", "2026-11-28T23:00:00.000Z"),
        ("2026-07-01", "2026-06-30T22:00:00.000Z"), ("2026-11-29 02:45", "2026-11-29T01:45:00.000Z"),
        ("2026-11-29 02:45:07", "2026-11-29T01:45:07.000Z"), ("2026-11-29T02:45:07.5", "2026-11-29T01:45:07.500Z"),
        ("2026-11-29T02:45Z", "2026-11-29T02:45:00.000Z"), ("2026-11-29T02:45z", "2026-11-29T02:45:00.000Z"),
        ("2026-11-29T02:45+05:30", "2026-11-28T21:15:00.000Z"), ("2h", "2026-11-29T01:15:00.000Z"),
        ("1h30m", "2026-11-29T01:45:00.000Z"), ("7d", "2026-11-22T03:15:00.000Z"),
        ("2h ago", "2026-11-29T01:15:00.000Z"), ("2 hours ago", "2026-11-29T01:15:00.000Z"),
        ("90 min ago", "2026-11-29T01:45:00.000Z"), ("a week ago", "2026-11-22T03:15:00.000Z"),
        ("an hour ago", "2026-11-29T02:15:00.000Z"), ("@1795920300", "2026-11-29T02:45:00.000Z"),
        ("@1795920300123", "2026-11-29T02:45:00.123Z"), ("@-1", "1969-12-31T23:59:59.000Z"),
    ])
    func aTimeIsRead(_ text: String, _ instant: String) throws {
        #expect(try read(text) == instant)
    }

    @Test(arguments: [
        "", " ", "24:00", "02:60", "2:5", "02:45:60", "0245", "noon", "last", "week", "next week", "last today",
        "monday tuesday", "monday 25:00", "monda", "mo", "2026-02-30", "2026-11-29 24:00", "2026-11-29 02:45 Z",
        "2026-13-01", "26-11-29", "2026-11-29T02:45+25:00", "2h x", "2 hours", "hours ago", "-2h", "2x", "h", "@", "@x",
        "@+1", "@99999999999999999999", "9223372036854775807d", "9223372036854775807 weeks ago", "yesterday yesterday",
        "today 02:45 now", String(repeating: "1h", count: 40), "２h", "02：45",
    ])
    func anythingElseIsRefused(_ text: String) throws {
        #expect(try read(text) == nil)
    }

    /// 02:30 on March 29 is skipped, and 02:30 on October 25 occurs at 00:30 and at 01:30 UTC.
    @Test func timesAtAChangeOfTheClocks() throws {
        #expect(try read("2026-03-29 01:59") == "2026-03-29T00:59:00.000Z")
        #expect(try read("2026-03-29 02:30") == "2026-03-29T01:30:00.000Z", "as much later: 03:30")
        #expect(try read("2026-03-29 03:00") == "2026-03-29T01:00:00.000Z")
        #expect(try read("2026-10-25 02:30") == "2026-10-25T00:30:00.000Z", "the first of the two")
        #expect(try read("2026-10-25 03:00") == "2026-10-25T02:00:00.000Z")
        #expect(try read("2026-10-25 02:30+01:00") == "2026-10-25T01:30:00.000Z")
        // The day has 25 hours, and a day ago is 24 of them.
        #expect(try read("yesterday 12:00", at: "2026-10-25T12:00:00Z") == "2026-10-24T10:00:00.000Z")
        #expect(try read("1d", at: "2026-10-25T12:00:00Z") == "2026-10-24T12:00:00.000Z")
    }

    @Test func everyFormOfTheMessageIsRead() throws {
        let forms = TimeExpression.forms.replacing(" or ", with: ", ").split(separator: ", ")
        #expect(forms.count > 8)
        for form in forms { #expect(try read(String(form.replacing("'", with: ""))) != nil, "\(form)") }
    }
}
