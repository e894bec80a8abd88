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
        (.timeOnly, "[9:16:03 PM] x", whole),
        (.klog, "I20251120 21:16:03.123456   1 main.cc:12] x", moment),
        (.iso, "[2025-11-20 09:16:03 PM] x", whole),
        (.iso, "2025.11.20_21.16.03: x", whole),
        (.iso, "2025.11.20 21:16:03 x", whole),
        (.uptime, "3600.000 Info Net.cpp:12: x", moment),
        (.uptime, "  3600.000: [GC x", moment),
        (.uptime, "[ 3600.000456] docker0: x", moment),
        (.uptime, "[3600.000s][info][gc] x", moment),
        (.monthFirst, "11/20/2025 21:16:03: x", whole),
        (.monthFirst, "11/20/2025 09:16:03 PM: x", whole),
        (.monthFirst, "[11/20/2025, 9:16:03 PM] x", whole),
        (.monthFirst, "11/20/2025, 9:16:03\u{202F}PM x", whole),
        (.monthFirst, "[WATCHER][INFO]: [tide.log]: 11/20/2025 21:16:03: x", whole),
        (.monthFirst, "11/20/25 21:16:03 x", whole),
        (.dayFirst, "20.11.2025 21:16:03 x", whole),
        (.dayFirst, "20.11.2025, 21:16:03.123 x", moment),
        (.dayFirst, "[20/11/2025 21:16:03] x", whole),
        (.namedMonth, #"10.0.0.1 - - [20/Nov/2025:21:16:03 +0000] "GET / HTTP/1.1" 200"#, whole),
        (.namedMonth, #"10.0.0.1 - - [20/Nov/2025:22:16:03 +0100] "GET / HTTP/1.1" 200"#, whole),
        (.namedMonth, "20-Nov-2025 21:16:03.123 INFO [main] x", moment),
        (.namedMonth, "1:M 20 Nov 2025 21:16:03.123 * x", moment),
        (.namedMonth, "[20Nov2025 21:16:03.123] [main/INFO] x", moment),
        (.namedMonth, "Nov 20, 2025 9:16:03 PM com.foo.Bar run", whole),
        (.ctime, "Thu Nov 20 21:16:03 2025 x", whole),
        (.ctime, "[Thu Nov 20 21:16:03.123456 2025] [core:error] x", moment),
        (.ctime, "Thu Nov 20 21:16:03 UTC 2025", whole),
        (.monthDay, "11-20 21:16:03.123  1234  1234 I tag: x", moment),
        (.monthDay, "11/20 21:16:03 [Server] x", whole),
        (.timeInside, "[Server thread/INFO] [21:16:03] x", whole),
        (.timeInside, "INFO 21:16:03.123 x", moment),
        (.elapsed, "[01:00:00]: x", moment),
    ])
    func readsStamp(format: TimeFormat, line: String, expected: Int64) {
        #expect(stamp(format, line) == expected)
        // Every shorter prefix must be rejected or read, never read beyond its end.
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
            // Whatever stands before it, this is a time of day.
            if format == .timeInside, line.contains(" 21:16:03") { continue }
            var text = line
            let own = text.withUTF8 {
                TimeReader(format: format, context: context).ownStamp(of: UnsafeRawBufferPointer($0))
            }
            #expect(own == nil, "\(format) \(line)")
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

    @Test func countersStartWithTheMembersFirstStamp() {
        let lines = ["welcome", "[  870.644191] a: x", "[  970.644191] b: x"]
        #expect(detect(lines) == .uptime)
        var text = lines.joined(separator: "\n")
        let start = text.withUTF8 { TimeFormat.uptime.counterStart(UnsafeRawBufferPointer($0)) }
        #expect(start == 870_644)
        let counted = TimeContext(sessionStart: moment, counterStart: start)
        #expect(stamp(.uptime, lines[1], counted) == moment)
        #expect(stamp(.uptime, lines[2], counted) == moment + 100_000)
        #expect(stamp(.uptime, "[    0.000000] again", counted) == moment)
    }

    @Test(arguments: [
        "mc-1  | ", "0|arena  | ", "\u{1B}[36mmc-1  | \u{1B}[0m", "\u{1B}[0;32m", "\u{FEFF}", "[pod/mc-0/server] ",
        "arena-server-12 | \u{1B}[33m",
    ])
    func readsStampBehindPrefix(prefix: String) {
        for (format, line) in [
            (TimeFormat.timeOnly, "[21:16:03] [Server thread/INFO]: x"), (.iso, "2025-11-20 21:16:03 x"),
            (.unreal, "[2025.11.20-21.16.03:000][  0]LogInit: x"), (.source, "L 11/20/2025 - 21:16:03: x"),
            (.json, #"{"ts":1763673363,"msg":"x"}"#), (.klog, "I1120 21:16:03.000000 1 x"),
            (.ctime, "Thu Nov 20 21:16:03 2025 x"), (.monthDay, "11-20 21:16:03.000  1  1 I tag: x"),
        ] {
            #expect(stamp(format, prefix + line) == whole, "\(format)")
            #expect(detect((0..<3).map { _ in prefix + line }) == format)
        }
    }

    @Test func mostLinesLeadAndOthersAreReadAllTheSame() {
        var lines: [String] = []
        for second in 10..<30 {
            lines.append("[21:16:\(second)] [Server thread/INFO]: tick")
            lines += [String](repeating: "# banner without time", count: 8)
        }
        lines += (10..<15).map { "2025-11-20T21:20:\($0).137+0000\tINFO\trunner\tx" }
        #expect(detect(lines) == .timeOnly)
        #expect(stamp(.timeOnly, "2025-11-20T21:16:03.123+0000\tINFO") == moment)
        #expect(stamp(.iso, "[2025.11.20-21.16.03:123][  0]LogInit: x") == moment)
        #expect(stamp(.iso, "[21:16:03] [Server thread/INFO]: x") == whole)
        #expect(stamp(.timeOnly, #"{"time":"2025-11-20T21:16:03.123Z"}"#) == moment)
        #expect(stamp(.iso, "    at 2025-11-20 21:16:03") == nil)
        #expect(stamp(.none, "2025-11-20 21:16:03") == nil)
    }

    @Test func detectsTheFormatsOfServers() {
        #expect(detect((0..<9).map { "   \($0).000 Info Net.cpp:12: tick" }) == .uptime)
        #expect(detect((0..<9).map { "11/20/2026 09:03:0\($0) PM: tick" }) == .monthFirst)
        #expect(detect((0..<9).map { "05/06/2026 09:03:0\($0): tick" }) == .monthFirst)
        #expect(detect((0..<9).map { "25/06/2026 09:03:0\($0): tick" }) == .dayFirst)
        #expect(detect((0..<9).map { "20.11.2026 21:03:0\($0) tick" }) == .dayFirst)
        #expect(detect((0..<9).map { "[W][I]: [x.log]: 11/20/2026 21:03:0\($0): tick" }) == .monthFirst)
        #expect(detect((0..<9).map { "10.0.0.1 - - [20/Nov/2026:21:03:0\($0) +0000] \"GET\"" }) == .namedMonth)
        #expect(detect((0..<9).map { "Fri Nov 20 21:03:0\($0) 2026 tick" }) == .ctime)
        #expect(detect((0..<9).map { "11-20 21:03:00.12\($0)  12  12 I tag: tick" }) == .monthDay)
        #expect(detect((0..<9).map { "[INFO] 21:03:0\($0) tick" }) == .timeInside)
        #expect(detect((0..<9).map { "[00:00:0\($0)]: tick" }) == .elapsed)
        #expect(detect((0..<9).map { "[21:00:0\($0)]: tick" }) == .timeOnly)
        #expect(detect((0..<9).map { "[00:00:0\($0)] tick" }) == .timeOnly)
        #expect(detect((0..<9).map { "\($0).123 4.56 7.89" }) == .none)
        #expect(detect((0..<9).map { "version 1.2.\($0) loaded" }) == .none)
    }

    @Test func aDateThatMayBeReadTwiceIsTheOneNearTheSession() {
        // 2026-06-05T21:00:00Z
        let june = TimeContext(sessionStart: 1_780_693_200_000)
        #expect(stamp(.monthFirst, "05/06/2026 21:00:00 x", june) == june.sessionStart)
        #expect(stamp(.dayFirst, "05/06/2026 21:00:00 x", june) == june.sessionStart)
        #expect(stamp(.monthFirst, "06/05/2026 21:00:00 x", june) == june.sessionStart)
        #expect(stamp(.dayFirst, "06.05.2026 21:00:00 x", june) != june.sessionStart)
        #expect(stamp(.iso, "05/06/2026 21:00:00 x", june) == june.sessionStart)
        #expect(stamp(.iso, "00:11:22:33:44:55 joined", june) == nil)
    }

    @Test func datesAreFoundWithoutAFormat() {
        func date(_ line: String) -> Int64? {
            var line = line
            return line.withUTF8 { TimeReader.date(in: UnsafeRawBufferPointer($0)) }
        }
        for line in [
            "[2025.11.20-21.16.03:123][  0]x", "INFO [main] 2025-11-20T21:16:03.123Z x",
            "mc-1  | 2025-11-20 21:16:03.123",
            "20.11.2025 21:16:03.123 x", "[tag]: 11/20/2025 21:16:03.123 x", "[Thu Nov 20 21:16:03.123 2025] x",
            "[20Nov2025 21:16:03.123] [main/INFO] x",
        ] {
            #expect(date(line) == moment, "\(line)")
        }
        for line in ["", "[21:16:03] x", "x", "1.2.3.4:5 - x", "[  870.644191] x"] { #expect(date(line) == nil) }
    }

    @Test func hostileLinesAreReadWithinTheirBounds() {
        var dice = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789:./-[]( |,TZLNovPMFri{}\"\u{1B}m\t".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &dice)
            let line = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &dice)] }
            line.withUnsafeBytes { bytes in
                for format in TimeFormat.allCases {
                    _ = TimeReader(format: format, context: context).stamp(of: bytes)
                }
                _ = TimeReader.date(in: bytes)
            }
        }
        for line in ["999999999.999 x", "9223372036854775807 x", "[999999999.999] x"] {
            for format in TimeFormat.allCases { _ = stamp(format, line) }
        }
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
