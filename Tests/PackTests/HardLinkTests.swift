import Glibc
import Model
import Testing

@testable import Pack

/// The targets of hard links, whatever an archive claims.
@Suite struct HardLinkTests {
    private func member(
        _ path: String, _ kind: MemberKind = .log, to target: String? = nil, size: UInt64 = 5, artifact: UInt32 = 0
    ) -> Member {
        var member = Member(
            MemberHeader(
                artifact: artifact, path: Array(path.utf8), kind: kind, linkTarget: target.map { Array($0.utf8) }))
        member.size = kind == .hardlink ? 0 : size
        return member
    }

    private func link(_ path: String, to target: String, artifact: UInt32 = 0) -> Member {
        member(path, .hardlink, to: target, artifact: artifact)
    }

    @Test func leadsToItsTargetBeforeAndBehindIt() {
        #expect(HardLinks.resolve([member("a"), link("b", to: "a")]) == [1: .member(0)])
        #expect(HardLinks.resolve([link("b", to: "a"), member("a")]) == [0: .member(1)])
        let spelled = HardLinks.resolve([member("S/a"), link("S/b", to: "./S//a"), link("c", to: "/S/a")])
        #expect(spelled == [1: .member(0), 2: .member(0)])
        #expect(HardLinks.resolve([member("a")]).isEmpty)
    }

    @Test func meansTheFileThatStoodThereWhenItWasMade() {
        let members = [member("a"), link("b", to: "a"), member("a"), link("c", to: "a")]
        #expect(HardLinks.resolve(members) == [1: .member(0), 3: .member(2)])
    }

    @Test func chainsLoopsAndDeadEndsEndInAVerdict() {
        let chain = [link("c", to: "b"), link("b", to: "a"), member("a")]
        #expect(HardLinks.resolve(chain) == [0: .member(2), 1: .member(2)])
        #expect(HardLinks.resolve([link("a", to: "a")]) == [0: .loop])
        #expect(HardLinks.resolve([member("a"), link("a", to: "a")]) == [1: .member(0)])
        let loop = [link("a", to: "b"), link("b", to: "a"), link("c", to: "a")]
        #expect(HardLinks.resolve(loop) == [0: .loop, 1: .loop, 2: .loop])
        #expect(HardLinks.resolve([link("a", to: "gone"), link("b", to: "a")]) == [0: .missing, 1: .missing])
        #expect(HardLinks.resolve([member("d", .directory), link("a", to: "d")]) == [1: .unreadable(.directory)])
        #expect(HardLinks.resolve([member("s", .symlink, to: "x"), link("a", to: "s")]) == [1: .unreadable(.symlink)])
        #expect(HardLinks.resolve([member("a", artifact: 1), link("b", to: "a")]) == [1: .missing])
    }

    @Test func aLongChainIsFollowedOnce() {
        let count = 50_000
        let members = (0..<count).map { link("l\($0)", to: "l\($0 + 1)") } + [member("l\(count)")]
        let found = HardLinks.resolve(members)
        #expect(found.count == count)
        #expect(found.values.allSatisfy { $0 == .member(count) })
    }

    @Test func theContentStandsInThePackOnce() throws {
        let scratch = try Scratch()
        let path = scratch.file("x.pack")
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor)
        try writer.beginMember(
            MemberHeader(path: Array("h.log".utf8), kind: .hardlink, linkTarget: Array("t.log".utf8)))
        try writer.endMember()
        try writer.write(Draft("t.log", Array("target\n".utf8)))
        let summary = try writer.finish(
            session: SessionMetadata(session: "s"), artifacts: [ArtifactEntry(artifact: "/x")])
        #expect(summary.rawBytes == 7)
        let reader = try PackReader.open(path: path)
        #expect(reader.linkedContent(of: 0) == .member(1))
        #expect(reader.linkedContent(of: 1) == nil)
        #expect(try content(of: 1, in: reader) == Array("target\n".utf8))
    }

    @Test func whatACounterBeginsWithIsKept() throws {
        let scratch = try Scratch()
        let path = scratch.file("x.pack")
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor)
        for start in [870_644, 0] as [Int64] {
            var header = MemberHeader(
                path: Array("\(start).log".utf8), kind: .log, mtime: -1_500_000_000, timeFormat: 10)
            header.counterStart = start
            try writer.beginMember(header)
            try Array("x\n".utf8).withUnsafeBytes { try writer.append($0) }
            try writer.endMember()
        }
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [ArtifactEntry(artifact: "/x")])
        let reader = try PackReader.open(path: path)
        #expect(reader.members.map(\.counterStart) == [870_644, 0])
        #expect(reader.members.map(\.mtime) == [-1_500_000_000, -1_500_000_000])
    }
}
