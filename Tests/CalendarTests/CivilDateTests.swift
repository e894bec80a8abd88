import Calendar
import Glibc
import Testing

@Suite struct CivilDateTests {
    /// The C library's calendar, as an oracle.
    private static func oracle(_ milliseconds: Int64) -> tm {
        var seconds = time_t(milliseconds >= 0 ? milliseconds / 1000 : -((999 - milliseconds) / 1000))
        var fields = tm()
        gmtime_r(&seconds, &fields)
        return fields
    }

    @Test func agreesWithTheCLibraryOnEveryDayOfEightCenturies() {
        for day in -146_097...146_097 {
            let date = CivilDate(daysSince1970: day)
            let fields = Self.oracle(Int64(day) * CivilDate.millisecondsPerDay)
            let expected = CivilDate(
                year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday))
            guard date == expected, date.daysSince1970 == day,
                CivilDate(checking: date.year, date.month, date.day) == date
            else {
                Issue.record("day \(day): \(date), expected \(expected)")
                return
            }
        }
    }

    @Test func agreesWithTheCLibraryOnRandomInstants() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100_000 {
            let instant = Int64.random(in: -1 << 50...1 << 50, using: &random)
            let time = CivilTime(milliseconds: instant)
            var fields = Self.oracle(instant)
            guard time.date.year == Int(fields.tm_year) + 1900, time.date.month == Int(fields.tm_mon) + 1,
                time.date.day == Int(fields.tm_mday), time.hour == Int(fields.tm_hour),
                time.minute == Int(fields.tm_min), time.second == Int(fields.tm_sec),
                Int64(timegm(&fields)) * 1000 + Int64(time.millisecond) == instant,
                CivilTime.milliseconds(
                    day: time.date.daysSince1970, hour: time.hour, minute: time.minute, second: time.second,
                    millisecond: time.millisecond) == instant
            else {
                Issue.record("instant \(instant): \(time)")
                return
            }
        }
    }

    @Test(arguments: [Int.min, .min + 719_468, -1, 0, .max - 719_468, .max])
    func extremeDaysDoNotTrap(_ day: Int) {
        let date = CivilDate(daysSince1970: day)
        _ = date.daysSince1970
        #expect((1...12).contains(date.month) || day.magnitude > 1 << 60)
    }

    @Test(arguments: [
        (2026, 2, 28, true), (2026, 2, 29, false), (2024, 2, 29, true), (2024, 2, 30, false), (1900, 2, 29, false),
        (2000, 2, 29, true), (2026, 4, 31, false), (2026, 12, 31, true), (2026, 13, 1, false), (2026, 0, 1, false),
        (2026, 1, 0, false), (2026, 1, 32, false), (0, 2, 29, true), (-1, 2, 29, false),
    ])
    func knowsWhichDatesExist(_ year: Int, _ month: Int, _ day: Int, _ exists: Bool) {
        #expect((CivilDate(checking: year, month, day) != nil) == exists)
    }

    @Test func ordersAndFormats() {
        let date = CivilDate(year: 2026, month: 3, day: 9)
        #expect(date.text() == "2026-03-09")
        #expect(date.text(separator: "/") == "2026/03/09")
        #expect(CivilDate(year: 2025, month: 12, day: 31) < date)
        #expect(CivilDate(year: 7, month: 12, day: 31).text() == "0007-12-31")
        let time = CivilTime(milliseconds: 1_763_673_363_007)
        #expect(
            time.text(dateSeparator: ".", timeMark: "-", timeSeparator: ".", fractionMark: ":")
                == "2025.11.20-21.16.03:007")
    }

    @Test func namesMonths() {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        for (index, name) in names.enumerated() {
            let bytes = Array(name.utf8)
            #expect(CivilDate.month(named: bytes[0], bytes[1], bytes[2]) == index + 1)
        }
        #expect(CivilDate.month(named: UInt8(ascii: "j"), UInt8(ascii: "a"), UInt8(ascii: "n")) == nil)
    }
}
