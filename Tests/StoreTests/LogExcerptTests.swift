import Foundation
import JSON
import LogSearch
import Model
import Synchronization
import Testing

@testable import Store

/// The lines before a crash, windows of a log, and searches that return values.
@Suite struct LogExcerptTests {
    /// A line each second from 11:50:00 on, every tenth without a time of its own.
    private static func log(_ seconds: Range<Int>, last: String? = nil) -> String {
        var text = ""
        for second in seconds {
            if second % 10 == 9 {
                text += "    at Frame \(second)\n"
            } else {
                text += String(
                    format: "[2026.11.20-11.%02d.%02d:000] tick %d\n", 50 + second / 60, second % 60, second)
            }
        }
        return text + (last ?? "")
    }

    private static func file(_ path: String, _ text: String, artifact: UInt32 = 1) -> RealStore.File {
        var file = RealStore.File(path, artifact: artifact, text)
        file.timeFormat = 1
        return file
    }

    private static func crash(_ store: Store, _ id: String) throws -> ListedCrash {
        try #require(try store.crashes(named: id).first)
    }

    private static func texts(_ lines: [LogExcerptLine]) -> [String] {
        lines.map { String(decoding: $0.text, as: UTF8.self).split(separator: "] ").last.map(String.init) ?? "" }
    }

    @Test func linesEndAtTheTimeOfTheCrash() throws {
        let stage = try RealStore()
        // 11:59:00 is second 540.
        try stage.add(
            "s", [Self.file("console.log", Self.log(0..<600))], crashes: [RealStore.crash("A", id: "c-1")])
        let store = try stage.open()
        let near = try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: 3000, lines: nil)
        #expect(Self.texts(near.lines) == ["tick 537", "tick 538", "    at Frame 539", "tick 540"])
        #expect(near.lines.map(\.number) == [538, 539, 540, 541])
        #expect(near.lines[2].time == near.lines[1].time && near.lines[0].time != nil)
        #expect(near.path == Array("console.log".utf8) && near.signature == "A" && near.session.tag == "1.0")
        let few = try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: nil, lines: 2)
        #expect(Self.texts(few.lines) == ["    at Frame 539", "tick 540"])
        #expect(try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: nil, lines: nil).lines.count == 20)
        #expect(try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: .max, lines: nil).lines.count == 541)
        let json = String(decoding: Shapes.crashExcerpt.line(few).utf8, as: UTF8.self)
        #expect(json.contains(#""crash":"c-1""#) && json.contains(#""number":541"#))
    }

    /// Archives keep the times of dumps in whole seconds; the last words of the server are of that second.
    @Test func theTimeOfADumpStandsForItsWholeSecond() throws {
        let stage = try RealStore()
        let words = "[2026.11.20-11.59.00:700] last words\n[2026.11.20-11.59.01:000] another process\n"
        let crash = RealStore.crash("A", id: "c-1").replacing(#""kind""#, with: #""time_source":"file","kind""#)
        try stage.add("s", [Self.file("console.log", Self.log(530..<540) + words)], crashes: [crash])
        let store = try stage.open()
        let found = try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: 3000, lines: nil)
        #expect(Self.texts(found.lines).last == "last words", "\(Self.texts(found.lines))")
        #expect(found.note == "the time of the crash is when the dump was written")
    }

    @Test func linesEndBeforeTheReportItself() throws {
        let stage = try RealStore()
        let log = Self.log(0..<100)
        let report = "[2026.11.20-11.51.40:000] Fatal error!\n"
        var record = RealStore.crash("A", id: "c-1")
        record.removeLast()
        // The report's literal is within its line.
        record += #","member":"console.log","member_offset":\#(log.utf8.count + 26)}"#
        try stage.add(
            "s", [Self.file("console.log", log + report + Self.log(101..<200))], crashes: [record])
        let store = try stage.open()
        let found = try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: 2500, lines: nil)
        #expect(Self.texts(found.lines) == ["tick 98", "    at Frame 99"])
    }

    @Test func aLogWithoutTimesGivesItsLastLines() throws {
        let stage = try RealStore()
        let text = (0..<50).map { "line \($0)\n" }.joined()
        try stage.add(
            "s", [RealStore.File("console.log", artifact: 1, text)], crashes: [RealStore.crash("A", id: "c-1")])
        let store = try stage.open()
        let found = try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: 5000, lines: nil)
        #expect(found.lines.count == 20 && Self.texts(found.lines).last == "line 49")
        #expect(found.note?.contains("no times") == true && found.lines.allSatisfy { $0.time == nil })
    }

    @Test func aLogThatEndsEarlierSaysSo() throws {
        let stage = try RealStore()
        try stage.add(
            "s", [Self.file("console.log", Self.log(0..<60))], crashes: [RealStore.crash("A", id: "c-1")])
        let store = try stage.open()
        let found = try store.linesBeforeCrash(try Self.crash(store, "c-1"), within: 5000, lines: nil)
        #expect(Self.texts(found.lines).last == "    at Frame 59")
        #expect(found.note?.contains("8 min") == true, "\(found.note ?? "")")
    }

    @Test func oneExcerptForEachSessionTheNewestFirst() throws {
        let stage = try RealStore()
        for (name, hour) in [("s1", 8), ("s2", 9), ("s3", 10)] {
            let time = "2026-11-20T\(hour < 10 ? "0" : "")\(hour):00:00.000Z"
            try stage.add(
                name, [Self.file("console.log", Self.log(0..<5))],
                crashes: [RealStore.crash("A", id: "\(name)-1", time: time), RealStore.crash("B", id: "\(name)-2")])
        }
        try stage.add("empty", crashes: [RealStore.crash("A", id: "e-1", time: "2026-11-20T07:00:00.000Z")])
        let store = try stage.open()
        let two = try store.excerpts(Selection(signatures: ["A"]), within: nil, lines: 1, limit: 2)
        #expect(two.excerpts.map(\.session.id) == ["s3", "s2"] && two.more == 2)
        #expect(two.excerpts.allSatisfy { $0.lines.count == 1 && $0.problem == nil })
        let all = try store.excerpts(Selection(signatures: ["A"]), within: nil, lines: 1)
        #expect(all.excerpts.count == 4 && all.more == 0)
        #expect(all.excerpts.last?.problem?.code == .noLogs)
        #expect(try store.excerpts(Selection(signatures: ["none"]), within: nil, lines: 1).excerpts.isEmpty)
    }

    @Test func aWindowHasLinesOnBothSides() throws {
        let stage = try RealStore()
        // Several blocks.
        let long = (0..<20_000).map { "line \($0) of a log that has several blocks\n" }.joined()
        try stage.add(
            "s", [Self.file("console.log", Self.log(0..<100)), RealStore.File("long.log", long)])
        let store = try stage.open()
        let session = try store.session(named: "s")
        let long1 = try store.logWindow(
            of: session, member: Array("long.log".utf8), around: .line(10_000), before: 2, after: 1)
        #expect(long1.lines.map(\.number) == [9998, 9999, 10_000, 10_001] && long1.around == 10_000)
        #expect(long1.hasMoreBefore && long1.hasMoreAfter)
        let start = try store.logWindow(of: session, around: .start, before: 5, after: 1)
        #expect(start.lines.map(\.number) == [1, 2] && !start.hasMoreBefore && start.hasMoreAfter)
        let end = try store.logWindow(of: session, around: .end, before: 2, after: 9)
        #expect(end.lines.map(\.number) == [99, 100] && end.hasMoreBefore && !end.hasMoreAfter && end.around == nil)
        let noon = try #require(end.lines.first?.time) - 10_000
        let timed = try store.logWindow(of: session, around: .time(noon), before: 0, after: 0)
        #expect(timed.lines.first?.time == noon && timed.lines.count == 1)
        let most = try store.logWindow(
            of: session, member: Array("long.log".utf8), around: .line(15_000), before: .max, after: .max)
        #expect(most.lines.count == LogWindow.most)
        let every = try store.logWindow(
            of: session, member: Array("long.log".utf8), around: .line(5000), before: 1000, after: 900)
        #expect(every.lines.map(\.number) == Array(4000...5900))
        #expect(throws: StoreError.self) {
            try store.logWindow(of: session, member: Array("no.log".utf8), around: .start, before: 1, after: 1)
        }
    }

    private static func search(_ store: Store, _ request: SearchRequest, most: Int = .max) throws -> [SearchHit] {
        let hits = Mutex<[SearchHit]>([])
        _ = try store.search(request) { hit in
            hits.withLock {
                $0.append(hit)
                return $0.count < most
            }
        }
        return hits.withLock { $0 }
    }

    @Test func aSearchPassesValues() throws {
        let stage = try RealStore()
        for name in ["b", "a"] {
            try stage.add(
                name, tag: name,
                [Self.file("console.log", Self.log(0..<60)), Self.file("copy.log", Self.log(0..<60), artifact: 0)])
        }
        let store = try stage.open()
        var request = SearchRequest("tick 5[0-2]")
        let all = try Self.search(store, request)
        #expect(all.count == 6 && all.allSatisfy { $0.isMatch && $0.time != nil && $0.member.also.count == 1 })
        #expect(all.first?.matches == [26..<33] && all.first?.number == 51)
        #expect(try Self.search(store, request, most: 2).count == 2)
        request.perSession = 1
        #expect(try Self.search(store, request).count == 2)
        request.perSession = nil
        request.sorting = SearchSorting(.time)
        #expect(try Self.search(store, request).map(\.number) == [51, 51, 52, 52, 53, 53])
        request.limit = 3
        #expect(try Self.search(store, request).map(\.number) == [51, 51, 52])
        request.sorting = SearchSorting(.session, isReversed: true)
        request.limit = nil
        #expect(try Self.search(store, request).map(\.member.label.identity.id) == ["b", "b", "b", "a", "a", "a"])
        request.mergesCopies = false
        request.sorting = SearchSorting(.path)
        let paths = try Self.search(store, request).map { String(decoding: $0.member.path, as: UTF8.self) }
        #expect(
            paths == Array(repeating: "console.log", count: 3) + Array(repeating: "copy.log", count: 3)
                + Array(repeating: "console.log", count: 3) + Array(repeating: "copy.log", count: 3))
        request.selection.tags = ["a"]
        #expect(try Self.search(store, request).count == 6)
        let json = String(decoding: Shapes.searchHit.line(try #require(all.first)).utf8, as: UTF8.self)
        #expect(json.contains(#""type":"match""#) && json.contains(#""also":["#) && json.contains(#""start":26"#))
        let cancelled = try store.search(request, isCancelled: { true }, { _ in true })
        #expect(cancelled.report.isCancelled)
    }

    @Test func logsOfSessionsAreMergedByTime() throws {
        let stage = try RealStore()
        for name in ["a", "b"] { try stage.add(name, [Self.file("console.log", Self.log(0..<12))]) }
        try stage.add("none")
        let store = try stage.open()
        let sessions = try ["a", "b", "none"].map { try store.session(named: $0) }
        let hits = Mutex<[String]>([])
        let outcome = try store.mergedLines(of: sessions) { hit in
            hits.withLock { $0.append("\(hit.member.label.identity.id)\(hit.number)") }
            return true
        }
        let expected =
            [1, 2, 3, 4, 5, 6, 7, 8].flatMap { ["a\($0)", "b\($0)"] }
            + ["a9", "a10", "b9", "b10", "a11", "b11", "a12", "b12"]
        #expect(hits.withLock { $0 } == expected)
        #expect(outcome.problems.count == 1 && !outcome.hasMore)
    }
}
