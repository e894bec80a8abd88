import Calendar
import Testing

@Suite struct ISO8601Tests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (1_763_673_363_123, "2025-11-20T21:16:03.123Z"), (-152_391_232_750, "1965-03-04T05:06:07.250Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func formatsAndReads(_ instant: Int64, _ text: String) {
        #expect(ISO8601.text(instant) == text)
        #expect(ISO8601.milliseconds(text) == instant)
    }

    @Test func instantsOutsideTheRangeAreAbsentOrClamped() {
        #expect(ISO8601.text(253_402_300_800_000) == nil)
        #expect(ISO8601.text(.min) == nil)
        #expect(ISO8601.text(clamping: .max) == "9999-12-31T23:59:59.999Z")
        #expect(ISO8601.text(clamping: .min) == "0000-01-01T00:00:00.000Z")
    }

    @Test func readsBackRandomInstants() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let instant = Int64.random(in: ISO8601.range, using: &random)
            let text = ISO8601.text(clamping: instant)
            guard ISO8601.milliseconds(text) == instant else {
                Issue.record("\(instant) is \(text)")
                return
            }
        }
    }

    @Test(arguments: [
        ("2025-11-20", 1_763_596_800_000), ("2025-11-20T21:16", 1_763_673_360_000),
        ("2025-11-20 21:16:03", 1_763_673_363_000), ("2025-11-20T21:16:03.1Z", 1_763_673_363_100),
        ("2025-11-20T21:16:03.123456789Z", 1_763_673_363_123), ("2025-11-20T22:16:03+01:00", 1_763_673_363_000),
        ("2025-11-20T20:46:03-0030", 1_763_673_363_000), ("2025-11-21T07:16:03+10", 1_763_673_363_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ])
    func readsShorterForms(_ text: String, _ instant: Int64) {
        #expect(ISO8601.milliseconds(text) == instant)
    }

    @Test(arguments: [
        "", "2025", "2025-11", "2025-1-2", "2025-02-30", "2025-13-01", "2025-11-00", "2025-11-20T", "2025-11-20T24:00",
        "2025-11-20T21:60", "2025-11-20T21:16:61", "2025-11-20T21:16:03x", "2025-11-20T21:16:03ZZ",
        "2025-11-20T21:16:03+24:00", "2025-11-20T21:16:03+01:60", "2025-11-20T21:16:03+1", "+025-11-20",
        "\u{FF12}025-11-20", "2025-11-20T2\u{0661}:00",
    ])
    func refusesWhatIsNoDate(_ text: String) {
        #expect(ISO8601.milliseconds(text) == nil)
    }
}

@Suite struct HTTPDateTests {
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994",
    ])
    func readsTheThreeForms(_ text: String) {
        #expect(HTTPDate.seconds(text) == 784_111_777)
    }

    @Test func twoDigitYearsTurnAtSeventy() {
        #expect(HTTPDate.seconds("Thursday, 01-Jan-70 00:00:00 GMT") == 0)
        #expect(HTTPDate.seconds("Tuesday, 31-Dec-69 00:00:00 GMT") == 3_155_673_600)
    }

    @Test(arguments: [
        "", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun Nov  6 08:49:37 94", "Sun, 06 Nov 1994 08:49:37 GMT GMT",
        "Sunday, 06-Nov 94 08:49:37 GMT",
    ])
    func refusesWhatIsNoDate(_ text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }
}
