import Foundation
import Testing

/// Searches by time with the real program: every time format, windows of every kind, and clocks that jump.
@Suite struct GrepTimeTests {
    /// A line and the time it belongs to, in seconds since the session's start.
    private struct Line {
        var second: Int
        var text: String
    }

    private static let created = "2026-11-20T21:00:00Z"
    /// Five minutes before another year.
    private static let eve = "2025-12-31T23:55:00Z"

    /// How each kind of engine writes a time; milliseconds are left at 0.
    private static func makeFormats() -> [(name: String, stamp: (Date) -> String)] {
        func dated(_ pattern: String, zone: Int = 0) -> (Date) -> String {
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = TimeZone(secondsFromGMT: zone)
            formatter.dateFormat = pattern
            return { formatter.string(from: $0) }
        }
        func epoch(_ digits: Int) -> (Date) -> String {
            { String(Int($0.timeIntervalSince1970)) + String(repeating: "0", count: digits) }
        }
        func json(_ key: String, quoted: Bool, _ stamp: @escaping (Date) -> String) -> (Date) -> String {
            { #"{"level":"info","\#(key)":\#(quoted ? "\"" : "")\#(stamp($0))\#(quoted ? "\"" : ""),"msg":""# }
        }
        func blankForZero(_ stamp: String) -> String { stamp.replacing("Jan 0", with: "Jan  ") }
        return [
            ("unreal", dated("'['yyyy.MM.dd-HH.mm.ss:SSS'][  1]LogNet: '")),
            ("source", dated("'L 'MM/dd/yyyy' - 'HH:mm:ss': '")),
            ("unity", dated("yyyy-MM-dd HH:mm:ss.SSS ")),
            ("iso-zone", dated("yyyy-MM-dd'T'HH:mm:ss.SSS'+02:00 '", zone: 7200)),
            ("iso-utc", dated("yyyy-MM-dd'T'HH:mm:ss'Z '")),
            ("iso-comma", dated("yyyy-MM-dd HH:mm:ss,SSS' INFO '")),
            ("iso-inside", dated("'INFO  [main] 'yyyy-MM-dd HH:mm:ss.SSS ")),
            ("json-text", json("timestamp", quoted: true, dated("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"))),
            ("json-s", json("ts", quoted: false, epoch(0))), ("json-ms", json("time", quoted: false, epoch(3))),
            ("json-us", json("t", quoted: false, epoch(6))), ("json-ns", json("time", quoted: false, epoch(9))),
            ("klog", dated("'I'MMdd HH:mm:ss.SSS'000       1 main.go:12] '")),
            ("syslog", { blankForZero(dated("MMM dd HH:mm:ss' host app[12]: '")($0)) }), ("epoch", epoch(0)),
            ("time-only", dated("'['HH:mm:ss'] '")),
        ]
    }

    private let formats = makeFormats()

    /// Ten lines a second, of which the last has no stamp and belongs to the line before.
    private static func log(
        _ stamp: (Date) -> String, from start: String, seconds: some Sequence<Int>, padding: Int = 0
    ) throws -> [Line] {
        let start = try #require(ISO8601DateFormatter().date(from: start))
        let fill = String(repeating: "x", count: padding)
        return seconds.flatMap { second in
            let prefix = stamp(start.addingTimeInterval(Double(second)))
            return (0..<10).map { count in
                let text = count == 9 ? "    at Frame \(second)" : "\(prefix) tick \(second).\(count) \(fill)"
                return Line(second: second, text: text)
            }
        }
    }

    private static func bytes(_ lines: [Line]) -> [UInt8] { lines.flatMap { Array($0.text.utf8) + [0x0A] } }

    /// The lines that a search prints, without names and numbers.
    private static func expected(_ lines: [Line], _ window: ClosedRange<Int>) -> String {
        lines.filter { window.contains($0.second) }.map { $0.text + "\n" }.joined()
    }

    private func grep(_ stage: GrepStage, _ path: String, _ flags: String...) throws -> GrepStage.Outcome {
        try stage.grep(["", "-N", "--no-filename", "--explain", "--path", path] + flags)
    }

    @Test func everyFormatIsSearchedByTime() throws {
        let stage = try GrepStage()
        var files: [(String, [UInt8])] = []
        var logs: [String: [Line]] = [:]
        for (name, stamp) in formats {
            logs["large/\(name).log"] = try Self.log(stamp, from: Self.created, seconds: 0..<600, padding: 90)
            logs["small/\(name).log"] = try Self.log(stamp, from: Self.created, seconds: 0..<40)
        }
        for (path, lines) in logs { files.append((path, Self.bytes(lines))) }
        try stage.ingest("s", created: Self.created, files)
        for (path, lines) in logs {
            let glob = "Saved/" + path
            let isLarge = path.hasPrefix("large")
            let end = isLarge ? 599 : 39
            let cases: [(flags: [String], first: Int, last: Int)] = [
                (["--since", "start+20s", "--until", "start+25s"], 20, 24),
                (["--since", "2026-11-20T21:00:30Z", "--until", "2026-11-20T21:00:33Z"], 30, 32),
                (["--last", "7s"], end - 7, end), (["--until", "start+3s"], 0, 2),
                (["--since", "start+\(end)s"], end, end),
            ]
            for (flags, first, last) in cases {
                let found = try stage.grep(["", "-N", "--no-filename", "--explain", "--path", glob] + flags)
                let wanted = Self.expected(lines, first...last)
                let isRight = found.text == wanted
                #expect(isRight, "\(path) \(flags): \(found.lines.count) lines, \(found.lines.first ?? "")")
                #expect(!found.err.contains("no known time format"), "\(path)")
                if isLarge {
                    // Blocks are left out by their first and last times before any is decoded.
                    let decoded = GrepStage.explained(found.err, "decoded") ?? .max
                    #expect(decoded <= 2, "\(path) \(flags): \(found.err)")
                }
            }
        }
    }

    @Test func yearAndDayComeFromTheSession() throws {
        let stage = try GrepStage()
        var logs: [String: [Line]] = [:]
        for (name, stamp) in formats where ["klog", "syslog", "time-only", "unreal"].contains(name) {
            logs["\(name).log"] = try Self.log(stamp, from: Self.eve, seconds: 290..<311)
        }
        try stage.ingest("s", created: Self.eve, logs.map { ($0.key, Self.bytes($0.value)) })
        for (path, lines) in logs {
            let found = try grep(
                stage, "**/" + path, "--since", "2025-12-31T23:59:58Z", "--until", "2026-01-01T00:00:02Z")
            #expect(found.text == Self.expected(lines, 298...301), "\(path): \(found.text.prefix(100))")
            let after = try grep(stage, "**/" + path, "--since", "start+5m")
            #expect(after.text == Self.expected(lines, 300...310), "\(path)")
            let last = try grep(stage, "**/" + path, "--last", "3s")
            #expect(last.text == Self.expected(lines, 307...310), "\(path)")
        }
    }

    @Test func clocksThatStepBackAndThreadsThatInterleave() throws {
        let stage = try GrepStage()
        let stamp = formats[0].stamp
        let steps = Array(0..<300) + Array(120..<400) + Array(90..<110)
        let back = try Self.log(stamp, from: Self.created, seconds: steps, padding: 90)
        // Two threads, one of which is seven seconds behind with what it writes.
        let both = try Self.log(
            stamp, from: Self.created, seconds: (7..<600).flatMap { [$0, $0 - 7] }, padding: 90)
        try stage.ingest(
            "s", created: Self.created, [("back.log", Self.bytes(back)), ("threads.log", Self.bytes(both))])
        for (path, lines) in [("back.log", back), ("threads.log", both)] {
            for (first, last) in [(0, 5), (95, 100), (118, 123), (119, 119), (250, 310), (395, 399), (0, 599)] {
                let found = try grep(stage, "**/" + path, "--since", "start+\(first)s", "--until", "start+\(last + 1)s")
                let isRight = found.text == Self.expected(lines, first...last)
                #expect(isRight, "\(path) \(first)...\(last): \(found.lines.count) lines")
            }
        }
        // The end of a log is its latest time, not its last line.
        #expect(try grep(stage, "**/back.log", "--last", "2s").text == Self.expected(back, 397...399))
    }

    @Test func membersWithoutTimesAreKeptAndMarked() throws {
        let stage = try GrepStage()
        let timed = try Self.log(formats[0].stamp, from: Self.created, seconds: 0..<20)
        try stage.ingest(
            "s", created: Self.created,
            [("a.log", Self.bytes(timed)), ("plain.txt", Array("one\ntwo\n".utf8)), ("odd.log", Array("x\ny\n".utf8))])
        let kept = try stage.grep(["", "--since", "start+19s"])
        #expect(kept.lines.count == 14)
        #expect(kept.err.contains("2 members have no known time format; all lines were kept"), "\(kept.err)")
        let strict = try stage.grep(["", "--since", "start+19s", "--strict-time"])
        #expect(strict.lines.count == 10 && strict.err.isEmpty)
        // Lines above the first stamp belong to the session's start.
        let head = "launcher starts\n"
        try stage.ingest("t", created: Self.created, [("a.log", Array(head.utf8) + Self.bytes(timed))])
        let first = try stage.grep(["launcher", "--session", "t", "--until", "start+1s", "-N", "--no-filename"])
        #expect(first.text == head)
        #expect(try stage.grep(["launcher", "--session", "t", "--since", "start+1s"]).status == 1)
        // An empty window.
        #expect(try stage.grep(["", "--strict-time", "--since", "start+1h"]).status == 1)
        #expect(try stage.grep(["", "--last", "soon"]).status == 64)
        #expect(try stage.grep(["", "--since", "2026-11-21", "--until", "2026-11-20"]).status == 64)
    }

    @Test func logsOfOneSessionInPart() throws {
        let stage = try GrepStage()
        let stamp = formats[0].stamp
        var lines = try Self.log(stamp, from: Self.created, seconds: 0..<400, padding: 60)
        // Fewer than a hundred lines follow: after a hundred the process lived on.
        let place = try #require(lines.firstIndex { $0.second == 394 })
        let start = try #require(ISO8601DateFormatter().date(from: Self.created))
        let prefix = stamp(start.addingTimeInterval(393)).replacingOccurrences(of: "LogNet", with: "LogCore: Error")
        let crash = [
            "=== Critical error: ===", "",
            "Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x0000000000000018", "",
            "[Callstack] 0x00000000021a3f10 GameServer!AWeapon::Fire(FVector const&) [Weapon.cpp:212]",
            "end: stack for UAT",
        ]
        lines.insert(contentsOf: crash.map { Line(second: 393, text: prefix + $0) }, at: place)
        try stage.ingest("s-1", created: Self.created, [("Arena.log", Self.bytes(lines))])
        let last = try stage.salvage(["logs", "s-1", "--last", "3s"])
        #expect(last.text == Self.expected(lines, 396...399), "\(last.err)")
        let part = try stage.salvage(["logs", "s-1", "--since", "start+10s", "--until", "start+12s"])
        #expect(part.text == Self.expected(lines, 10...11))
        let chosen = try stage.salvage([
            "logs", "s-1", "--since", "start+10s", "--until", "start+12s", "-g", "FRAME", "-i",
        ])
        #expect(chosen.text == "    at Frame 10\n    at Frame 11\n")
        let around = try stage.salvage(["logs", "s-1", "-g", "Frame 7$", "-C1"])
        #expect(around.lines.count == 3)
        let crashes = try stage.salvage(["crashes", "--json", "--session", "s-1"]).lines.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        #expect(crashes.count == 1)
        let id = try #require(crashes.first?["crash"] as? String)
        for name in [id, "last", String(id.prefix(id.count - 2))] {
            let near = try stage.salvage(["logs", "s-1", "--around", name, "--within", "2s"])
            let isRight = near.text == Self.expected(lines, 391...395)
            #expect(isRight, "\(name): \(near.lines.count) lines \(near.err)")
        }
        let said = try stage.salvage(["logs", "s-1", "--around", "last", "--within", "2s", "-g", "Unhandled"])
        #expect(said.lines.count == 1 && said.text.contains("SIGSEGV"))
        #expect(try stage.salvage(["logs", "s-1", "-g", "nowhere"]).status == 1)
        #expect(try stage.salvage(["logs", "s-1", "--around", "none-such"]).status != 0)
    }
}
