import JSON
import Model
import Testing
import Text

@testable import CrashExport

@Suite struct SentryEventTests {
    private func json(_ crash: ExportedCrash, environment: String? = nil) throws -> JSONValue {
        let bytes = try #require(SentryEvent(crash, environment: environment, client: ("salvage", "1")).json())
        return try JSONValue(parsing: bytes)
    }

    @Test func theEventSaysWhatTheRecordSays() throws {
        let event = try json(TestCrashes.crash(), environment: "production")
        #expect(event["event_id"]?.string == SentryEvent.id(session: "session-1", crash: "c0ffee"))
        #expect(event["platform"]?.string == "native" && event["level"]?.string == "fatal")
        #expect(event["timestamp"]?.string == "2026-11-20T10:11:12.345Z")
        #expect(event["release"]?.string == "studio_arena@1.4.0" && event["environment"]?.string == "production")
        #expect(event["server_name"]?.string == "10.0.0.7")
        let tags = try #require(event["tags"])
        #expect(tags["session"]?.string == "session-1" && tags["build"]?.string == "1.4.0")
        #expect(tags["region"]?.string == "eu-west" && tags["signature"]?.string == "Game::tick")
        #expect(event["fingerprint"]?.array?.compactMap(\.string) == ["Game::tick"])
        let value = try #require(event["exception"]?["values"]?.array?.first)
        #expect(value["type"]?.string == "SEGV_MAPERR" && value["value"]?.string == "null world")
        let stack = try #require(value["stacktrace"])
        #expect(stack["instruction_addr_adjustment"]?.string == "none")
        let frames = try #require(stack["frames"]?.array)
        #expect(frames.map { $0["function"]?.string } == ["Game::f2()", "Game::f1()", "Game::f0()"], "innermost last")
        let last = try #require(frames.last)
        #expect(last["instruction_addr"]?.string == "0x401000" && last["image_addr"]?.string == "0x400000")
        #expect(last["filename"]?.string == "f0.cpp" && last["lineno"]?.int64 == 1 && last["package"]?.string == "game")
        let image = try #require(event["debug_meta"]?["images"]?.array?.first)
        #expect(
            image["type"]?.string == "elf" && image["code_id"]?.string == "0102030405060708090a0b0c0d0e0f1011121314")
        #expect(image["debug_id"]?.string == "04030201-0605-0807-090a-0b0c0d0e0f10")
        #expect(image["image_addr"]?.string == "0x400000" && image["image_size"]?.int64 == 0x10_0000)
        #expect(event["threads"]?["values"]?.array?.map { $0["id"]?.int64 } == [7, 8])
    }

    @Test func commandLinesStayHere() throws {
        let bytes = try #require(SentryEvent(TestCrashes.crash(), environment: nil, client: ("s", "1")).json())
        #expect(!String(decoding: bytes, as: UTF8.self).contains("hunter2"))
    }

    @Test func theIDIsThatOfTheCrash() {
        let id = SentryEvent.id(session: "a", crash: "b")
        #expect(id == SentryEvent.id(session: "a", crash: "b") && id.utf8.count == 32)
        #expect(id.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
        #expect(id != SentryEvent.id(session: "b", crash: "a") && id != SentryEvent.id(session: "ab", crash: ""))
    }

    @Test func aHugeRecordIsTrimmedUntilItFits() throws {
        var record = TestCrashes.record(frames: 5000)
        let long = String(repeating: "\u{1F480}\u{0}\"\n\\", count: 20_000)
        record.message = long
        record.signature = long
        record.image = long
        record.location = long
        record.notes = (0..<1000).map { _ in long }
        for index in record.frames.indices { record.frames[index].function = long }
        record.modules = (0..<3000).map { index in
            var module = CrashModule(name: "\(index)\(long)", base: Address(UInt64(index) << 20), size: 4096)
            module.buildID = "0102030405060708090a0b0c0d0e0f1011121314"
            return module
        }
        record.threads = (0..<500).map { CrashThread(thread: $0, name: long, frames: record.frames) }
        let bytes = try #require(
            SentryEvent(TestCrashes.crash(record), environment: nil, client: ("salvage", "1")).json())
        #expect(bytes.count <= SentryEvent.mostBytes)
        #expect(String(validating: bytes, as: UTF8.self) != nil)
        let event = try JSONValue(parsing: bytes)
        #expect(event["exception"]?["values"]?.array?.first?["stacktrace"]?["frames"]?.array?.isEmpty == false)
        let tags = try #require(event["tags"])
        for name in ["image", "region", "signature"] {
            let value = try #require(tags[name]?.string)
            #expect(value.unicodeScalars.count <= 200 && !value.contains("\n") && !value.utf8.contains(0))
        }
    }

    @Test func aDeepStackKeepsBothEnds() {
        let frames = (0..<100).map { CrashFrame(index: $0, trust: .cfi) }
        #expect(SentryStack.chosen(frames, 8).map(\.index) == [0, 1, 2, 3, 4, 5, 98, 99])
        #expect(SentryStack.chosen(frames, 100).count == 100 && SentryStack.chosen(frames, 0).isEmpty)
    }

    @Test func aRecordWithNothingIsAnEvent() throws {
        var record = CrashRecord(kind: "go")
        record.time = "yesterday"
        let event = try json(ExportedCrash(record: record, session: "s", signature: ""))
        #expect(event["timestamp"] == nil && event["release"] == nil)
        #expect(event["exception"]?["values"]?.array?.first?["type"]?.string == "go")
    }

    @Test func debugIDsAreInSentrysForm() {
        #expect(
            SentryStack.debugID(breakpad: "3249D99D0C4049318610F4E4FB0B69361")
                == "3249d99d-0c40-4931-8610-f4e4fb0b6936-1")
        #expect(
            SentryStack.debugID(breakpad: "3249D99D0C4049318610F4E4FB0B69360") == "3249d99d-0c40-4931-8610-f4e4fb0b6936"
        )
        #expect(SentryStack.debugID(build: "0102") == "00000201-0000-0000-0000-000000000000")
        for hostile in ["", "xyz", "123"] {
            #expect(SentryStack.debugID(breakpad: hostile) == nil && SentryStack.debugID(build: hostile) == nil)
        }
    }

    @Test func releasesAreWhatSentryTakes() {
        #expect(TextLimit.release(image: "reg:5000/a/b", tag: "1\n2") == "reg:5000_a_b@1_2")
        #expect(TextLimit.release(image: "", tag: "..") == nil && TextLimit.release(image: "", tag: nil) == nil)
    }

    @Test func textsAreCutBetweenScalars() {
        #expect(TextLimit.cut("abc", 3) == "abc" && TextLimit.cut("abcd", 3) == "…")
        #expect(TextLimit.cut("äöü\u{1F480}", 7) == "äö…")
        #expect(TextLimit.cut("a\0b", 100) == "a\u{FFFD}b")
        #expect(TextLimit.tag("a\nb\u{0}") == "a b " && TextLimit.tag("") == nil && TextLimit.tag(nil) == nil)
    }
}
