import Testing

@testable import LogTime

/// 2025-11-20T21:16:03.123Z in milliseconds.
private let moment: Int64 = 1_763_673_363_123
private let whole: Int64 = 1_763_673_363_000
private let context = TimeContext(sessionStart: moment - 3_600_000)

private func stamp(_ format: TimeFormat, _ line: String, _ context: TimeContext = context) -> Int64? {
    var line = line
    return line.withUTF8 { TimeReader(format: format, context: context).stamp(of: UnsafeRawBufferPointer($0)) }
}

private func detect(_ lines: [String]) -> TimeFormat {
    var text = lines.joined(separator: "\n") + "\n"
    return text.withUTF8 { TimeFormat.detect(UnsafeRawBufferPointer($0)) }
}

@Suite struct TimeFormatTests {
    @Test(arguments: [
        (TimeFormat.unreal, "[2025.11.20-21.16.03:123][  0]LogInit: Display: Running engine", moment),
        (.source, "L 11/20/2025 - 21:16:03: World triggered \"Round_Start\"", whole),
        (.source, "L 11/20/2025 - 21:16:03.123: x", moment),
        (.iso, "2025-11-20 21:16:03.123 INFO hello", moment),
        (.iso, "2025-11-20T21:16:03,123Z x", moment),
        (.iso, "2025-11-20T22:16:03.123+01:00 x", moment),
        (.iso, "2025-11-20T22:16:03.123456789+0100 x", moment),
        (.iso, "2025-11-20 20:16:03.123 -0100 x", moment),
        (.iso, "2025-11-20 21:16:03.123 - word", moment),
        (.iso, "[2025-11-20 21:16:03] x", whole),
        (.iso, "2025/11/20 21:16:03 main.go:12: x", whole),
        (.isoInside, "INFO  [main] 2025-11-20 21:16:03.123 x", moment),
        (.json, #"{"level":"info","ts":1763673363.123,"msg":"x"}"#, moment),
        (.json, #"{"level":"info", "timestamp" : "2025-11-20T21:16:03.123Z"}"#, moment),
        (.json, #"{"@timestamp":"2025-11-20T21:16:03.123Z"}"#, moment),
        (.json, #"{"msg":"a \"time\" b","time":1763673363123}"#, moment),
        (.json, #"{"t":1763673363123456}"#, moment),
        (.json, #"{"time":1763673363123456789}"#, moment),
        (.klog, "I1120 21:16:03.123456       1 main.go:12] x", moment),
        (.syslog, "Nov 20 21:16:03 host app[12]: x", whole),
        (.epoch, "1763673363.123 x", moment),
        (.epoch, "1763673363123 x", moment),
        (.timeOnly, "[21:16:03] x", whole),
        (.timeOnly, "21:16:03.123 x", moment),
    ])
    func readsStamp(format: TimeFormat, line: String, expected: Int64) {
        #expect(stamp(format, line) == expected)
        // Every shorter prefix must be refused or read, never read beyond its end.
        for length in 0..<line.utf8.count {
            _ = stamp(format, String(decoding: line.utf8.prefix(length), as: UTF8.self))
        }
    }

    @Test(arguments: TimeFormat.allCases)
    func refusesLinesWithoutStamp(format: TimeFormat) {
        for line in [
            "", "x", "    at Foo.Bar()", "Unloading 5 Unused Serialized files", "[2025.13.20-21.16.03:123]x",
            "L 11/20/2025",
            "99999999999 bottles", "{}", "{\"time\":}", "{\"ts\"", "2025-00-20 21:16:03", "2025-11-20 25:16:03",
            "[99:99:99]",
            "Nov 20", "I1120", "2025-11-20T21:16", "Nov 99 21:16:03 x",
        ] {
            if format == .iso, line == "2025-11-20T21:16" { continue }
            if format == .isoInside, line == "2025-11-20T21:16" { continue }
            #expect(stamp(format, line) == nil, "\(format) \(line)")
        }
    }

    @Test func yearAndDayComeFromTheSession() {
        let newYear = TimeContext(sessionStart: 1_767_225_540_000)  // 2025-12-31T23:59:00Z
        #expect(stamp(.syslog, "Jan  1 00:00:10 h x", newYear) == 1_767_225_610_000)
        #expect(stamp(.klog, "I0101 00:00:10.000000 x", newYear) == 1_767_225_610_000)
        #expect(stamp(.klog, "I1231 23:59:10.000000 x", newYear) == 1_767_225_550_000)
        #expect(stamp(.timeOnly, "[00:00:10] x", newYear) == 1_767_225_610_000)
        #expect(stamp(.timeOnly, "[23:59:10] x", newYear) == 1_767_225_550_000)
    }

    @Test func zoneIsAssumedOnlyWhereNoneIsWritten() {
        let berlin = TimeContext(sessionStart: moment, zoneOffset: 3600)
        #expect(stamp(.source, "L 11/20/2025 - 22:16:03: x", berlin) == whole)
        #expect(stamp(.iso, "2025-11-20 22:16:03 x", berlin) == whole)
        #expect(stamp(.iso, "2025-11-20T21:16:03Z x", berlin) == whole)
        #expect(stamp(.timeOnly, "[22:16:03] x", berlin) == whole)
        #expect(stamp(.unreal, "[2025.11.20-21.16.03:123] x", berlin) == moment)
    }

    @Test func calendarAgreesWithItself() {
        #expect(Calendar.days(year: 1970, month: 1, day: 1) == 0)
        #expect(Calendar.days(year: 2000, month: 3, day: 1) == 11_017)
        for day in stride(from: -800_000, through: 800_000, by: 97) {
            let year = Calendar.year(ofDay: day)
            let first = Calendar.days(year: year, month: 1, day: 1)
            #expect(first <= day && day < Calendar.days(year: year + 1, month: 1, day: 1))
        }
    }

    @Test func detectsFormatOfMember() {
        #expect(
            detect(["LogInit: start", "[2025.11.20-21.16.03:123][  0]a", "[2025.11.20-21.16.03:124][  1]b"]) == .unreal)
        #expect(detect(["Mono path", "2025-11-20 21:16:03.1 a", "  at x", "2025-11-20 21:16:03.2 b"]) == .iso)
        #expect(detect([#"{"ts":1763673363.1}"#, #"{"ts":1763673363.2}"#]) == .json)
        #expect(detect(["I1120 21:16:03.1 1 a] b", "W1120 21:16:03.2 1 a] c"]) == .klog)
        #expect(detect(["Nov 20 21:16:03 a", "Nov 20 21:16:04 b"]) == .syslog)
        #expect(detect(["[21:16:03] a", "[21:16:04] b"]) == .timeOnly)
        #expect(detect(["INFO 2025-11-20 21:16:03 a", "WARN 2025-11-20 21:16:04 b"]) == .isoInside)
        #expect(detect(["1763673363 a", "1763673364 b"]) == .epoch)
        #expect(detect(["hello", "world"]) == .none)
        #expect(detect([]) == .none)
    }

    @Test func findsDistinctiveFormatBehindLongPreamble() {
        let chatter = (0..<600).map { "dlopen failed trying to load \($0)" }
        #expect(detect(chatter + ["L 11/20/2025 - 21:16:03: a", "L 11/20/2025 - 21:16:04: b"]) == .source)
        #expect(detect(chatter) == .none)
    }

    @Test func rangeIsOverAllLines() {
        let reader = TimeReader(format: .timeOnly, context: context)
        var text = "continued\n[21:16:05] a\n[21:16:03] b\n at x\n[21:16:04] c\n tail"
        text.withUTF8 {
            let block = UnsafeRawBufferPointer($0)
            let range = reader.range(of: block)
            #expect(range?.min == whole)
            #expect(range?.max == whole + 2000)
            #expect(reader.last(of: block) == whole + 1000)
            #expect(reader.range(of: UnsafeRawBufferPointer(rebasing: block[0..<10])) == nil)
        }
        #expect(reader.range(of: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
        #expect(reader.last(of: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }
}
