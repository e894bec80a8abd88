import Catalog
import JSON
import Model
import Pack
import Testing

@testable import Store

@Suite struct MemberTests {
    private func pack(_ files: [RealStore.File]) throws -> (RealStore, SessionPack) {
        let stage = try RealStore()
        try stage.add("s", files)
        return (stage, try stage.open().pack("s"))
    }

    @Test func aMemberIsNamedByItsPathItsPrintedFormOrItsEnding() throws {
        let (_, pack) = try pack([
            .init("f/Saved/Game.log", "1"), .init("f/back\\slash.log", "2"), .init("f/esc\u{1B}.log", "3"),
        ])
        #expect(try pack.member(MemberPath("f/Saved/Game.log")).index == 0)
        #expect(try pack.member(MemberPath("Game.log")).index == 0)
        #expect(try pack.member(MemberPath("f/back\\slash.log")).index == 1)
        #expect(try pack.member(MemberPath("f/back\\\\slash.log")).index == 1)
        #expect(try pack.member(MemberPath("f/esc\\x1b.log")).index == 2)
        let error = try #require(throws: StoreError.self) { try pack.member(MemberPath("other.log")) }
        #expect(error.code == .memberNotFound && error.kind == .notFound && error.session == "s")
    }

    @Test func anEndingOfSeveralPathsIsAmbiguous() throws {
        let (_, pack) = try pack([.init("a/Game.log", "1"), .init("b/Game.log", "2")])
        let error = try #require(throws: StoreError.self) { try pack.member(MemberPath("Game.log")) }
        #expect(error.code == .ambiguousPath)
        #expect(error.message.contains("a/Game.log") && error.message.contains("b/Game.log"))
    }

    @Test func twoPathsThatLookAlikeAreToldApart() throws {
        let (_, pack) = try pack([.init("a\u{1B}", kind: .text, "1"), .init("a\\x1b", kind: .text, "2")])
        let match = try pack.member(MemberPath("a\\x1b"))
        #expect(match == MemberMatch(index: 1, anotherDisplaysAlike: true))
        #expect(try pack.member(MemberPath("a\\\\x1b")).anotherDisplaysAlike == false)
    }

    @Test func aPathOfTwoArtifactsNeedsTheArtifact() throws {
        let (_, pack) = try pack([.init("x.log", "1"), .init("x.log", artifact: 1, "2")])
        #expect(throws: StoreError.self) { try pack.member(MemberPath("x.log")) }
        #expect(try pack.member(MemberPath("x.log"), artifact: "logs").index == 1)
        #expect(try pack.member(MemberPath("x.log"), artifact: "/data").index == 0)
    }

    @Test func theOutputIsTheLog() throws {
        let (_, with) = try pack([.init("game.log", "g\n"), .init("console.log", artifact: 1, "c\n")])
        #expect(try with.logMembers() == [1])
        let (_, without) = try pack([.init("game.log", "g\n"), .init("notes", kind: .text, "n\n")])
        #expect(try without.logMembers() == [0])
        let (_, binary) = try pack([.init("console.log", artifact: 1, kind: .binary, "\0")])
        #expect(binary.unsearchedOutput == Array("console.log".utf8))
    }

    @Test func aSessionWithoutPackSaysWhy() throws {
        let stage = try RealStore()
        var update = SessionUpdate(session: "s", state: .lost)
        update.reason = "the host is gone"
        try stage.catalog().record(sessions: [update])
        let error = try #require(throws: StoreError.self) { try stage.open().pack("s") }
        #expect(error.code == .noPack && error.kind == .notFound)
        #expect(error.message.contains("the host is gone"))
    }
}

/// The end of a log, from a real pack.
@Suite struct LogTailTests {
    private func tail(_ files: [RealStore.File], lines: Int = 3) throws -> [String]? {
        let stage = try RealStore()
        try stage.add("s", files)
        let store = try stage.open()
        guard case .lines(let lines, _) = LogTail.read(try store.session(named: "s"), in: store, lines: lines) else {
            return nil
        }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func takesTheLastLines() throws {
        #expect(try tail([.init("a", "1\n2\n3\n4\n")]) == ["2", "3", "4"])
        #expect(try tail([.init("a", "1\r\n2\r\n3")]) == ["1", "2", "3"])
        #expect(try tail([.init("a", "\n\n")]) == ["", ""])
        #expect(try tail([.init("a", "x\u{1B}[31m\n")]) == ["x\u{1B}[31m"])
        #expect(try tail([]) == nil)
        #expect(try tail([.init("empty", "")]) == nil)
    }

    @Test func prefersWhatTheProcessPrinted() throws {
        #expect(
            try tail([.init("game", mtime: 100, "game\n"), .init("stdout", artifact: 1, mtime: 99, "printed\n")])
                == ["printed"])
        #expect(
            try tail([.init("newer", mtime: 100, "newer\n"), .init("older", mtime: 99, "older\n")]) == ["newer"])
        #expect(try tail([.init("game", "game\n"), .init("stdout", artifact: 1, "")]) == ["game"])
    }

    @Test func longLogsAreReadAtTheirEnd() throws {
        let long = String(repeating: "y", count: 300_000)
        #expect(try tail([.init("a", "first\n" + long + "\nlast\n")]) == ["last"])
        let many = (0..<50_000).map { "line \($0)\n" }.joined()
        #expect(try tail([.init("a", many)]) == ["line 49997", "line 49998", "line 49999"])
    }
}
