import Calendar
import Testing

@Suite struct TimeZoneRulesTests {
    private static let berlin = TimeExpressionTests.berlin

    @Test(arguments: [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000", "CET"),
        ("2026-03-29T00:59:59.999Z", "2026-03-29T01:59:59.999", "CET"),
        ("2026-03-29T01:00:00.000Z", "2026-03-29T03:00:00.000", "CEST"),
        ("2026-10-25T00:59:59.999Z", "2026-10-25T02:59:59.999", "CEST"),
        ("2026-10-25T01:00:00.000Z", "2026-10-25T02:00:00.000", "CET"),
    ])
    func anInstantHasOneLocalTime(_ instant: String, _ local: String, _ name: String) throws {
        let milliseconds = try #require(ISO8601.milliseconds(instant))
        #expect(Self.berlin.local(milliseconds).text() == local)
        #expect(Self.berlin.offset(at: milliseconds).name == name)
    }

    @Test func everyHourOfAYearComesBack() throws {
        let start = try #require(ISO8601.milliseconds("2026-01-01"))
        for hour in 0..<(365 * 24) {
            let instant = start + Int64(hour) * 3_600_000
            let shown = Self.berlin.local(instant)
            let local = try #require(ISO8601.milliseconds(shown.text()))
            let back = Self.berlin.instant(ofLocal: local)
            // The second of two equal times becomes the first.
            #expect(
                back == instant
                    || back == instant - 3_600_000 && shown.date == CivilDate(year: 2026, month: 10, day: 25))
        }
    }

    /// Where clocks are put forward at midnight, the day begins at 01:00.
    @Test func aDayWithoutMidnightBeginsAtItsFirstInstant() throws {
        let change = try #require(ISO8601.milliseconds("2018-11-04T03:00Z"))
        let zone = TimeZoneRules(
            first: .init(seconds: -10_800, name: "-03"),
            changes: [(from: change / 1000, offset: .init(seconds: -7200, name: "-02"))])
        #expect(zone.start(of: CivilDate(year: 2018, month: 11, day: 4)) == change)
        #expect(zone.local(change).text() == "2018-11-04T01:00:00.000")
    }

    @Test(arguments: [Int64.min, Int64.max, -1, 0, 1])
    func noInstantTraps(_ milliseconds: Int64) {
        for zone in [Self.berlin, .utc] {
            _ = zone.local(milliseconds)
            _ = zone.instant(ofLocal: milliseconds)
        }
        #expect(TimeZoneRules.utc.instant(ofLocal: milliseconds) == milliseconds)
    }
}
