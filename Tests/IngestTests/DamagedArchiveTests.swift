import Foundation
import Ingest
import Model
import Pack
import Testing

/// One small archive, cut at every byte and with every bit flipped, read by the real program's child.
@Suite(.serialized) struct DamagedArchiveTests {
    /// A member of the undamaged archive.
    private struct Truth: Equatable {
        let sha256: [UInt8]
        let size: UInt64
        let kind: MemberKind
        let target: [UInt8]?

        init(_ member: Member) {
            sha256 = member.sha256
            size = member.size
            kind = member.kind
            target = member.linkTarget
        }
    }

    /// Damaged archives for one child, one artifact each.
    private static let together = 300

    private let stage: Stage
    private let archive: [UInt8]
    private let truth: [[UInt8]: Truth]

    init() throws {
        stage = try Stage()
        let path = stage.folder + "/whole.tar.gz"
        let tar = HostileArchive(path: path, level: 6)
        tar.file("server.log", (0..<30).map { "[\($0)] a line of the log\n" }.joined())
        tar.link("latest", to: "server.log", type: "2")
        tar.pax(HostileArchive.record("path", Array("größer.dmp".utf8)))
        tar.file(Array("short".utf8), (0..<300).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31) })
        tar.file("empty", "")
        tar.end()
        tar.close()
        archive = Array(try #require(FileManager.default.contents(atPath: path)))
        let packed = try stage.pack([path])
        truth = Dictionary(uniqueKeysWithValues: packed.reader.members.map { ($0.path, Truth($0)) })
        #expect(packed.verdicts[0].verdict == "ok" && truth.count == 4)
    }

    /// Packs all of `damaged` and passes each verdict with its members to `judge`.
    private func packAll(_ damaged: [[UInt8]], _ judge: (Int, ArtifactVerdict, [Member]) -> Void) throws {
        for start in stride(from: 0, to: damaged.count, by: Self.together) {
            let part = Array(damaged[start..<min(start + Self.together, damaged.count)])
            let files = part.indices.map { stage.folder + "/damaged-\($0).tar.gz" }
            for (file, bytes) in zip(files, part) { try Data(bytes).write(to: URL(fileURLWithPath: file)) }
            try? FileManager.default.removeItem(atPath: stage.store)
            let packed = try stage.pack(files)
            #expect(packed.quarantined.isEmpty)
            #expect(PackReader.verify(path: stage.store + "/" + packed.pack).damage.isEmpty)
            let members = Dictionary(grouping: packed.reader.members, by: \.artifact)
            try #require(packed.verdicts.count == part.count)
            for (index, verdict) in packed.verdicts.enumerated() {
                judge(start + index, verdict, members[UInt32(index)] ?? [])
            }
        }
    }

    private func isWhole(_ member: Member) -> Bool {
        member.flags.isDisjoint(with: [.truncated, .corrupt, .limited])
    }

    @Test func cutAtEveryByte() throws {
        var kept = 0
        try packAll((0..<archive.count).map { Array(archive[..<$0]) }) { length, verdict, members in
            #expect(verdict.verdict == (length < 2 ? "not_an_archive" : "incomplete"), "cut at \(length): \(verdict)")
            for member in members where isWhole(member) {
                kept += 1
                #expect(truth[member.path] == Truth(member), "cut at \(length): \(member)")
            }
        }
        // A cut in the trailer leaves all of them, one before the first header none.
        #expect(kept > archive.count, "\(kept) of \(archive.count) cuts")
    }

    @Test func everyBitFlipped() throws {
        let flipped = (0..<(archive.count * 8)).map { bit in
            var bytes = archive
            bytes[bit / 8] ^= 1 << (bit % 8)
            return bytes
        }
        var verdicts: [ArchiveVerdict: Int] = [:]
        try packAll(flipped) { bit, verdict, members in
            verdicts[verdict.verdict, default: 0] += 1
            guard verdict.verdict == "ok" else { return }
            // The time and the system in the gzip header may change without harm; nothing else may.
            let seen = Dictionary(members.map { ($0.path, Truth($0)) }) { first, _ in first }
            #expect(seen == truth && members.allSatisfy { isWhole($0) }, "bit \(bit): \(verdict)")
        }
        print("flipped bits: \(verdicts)")
        #expect(verdicts["corrupt", default: 0] > archive.count * 6, "\(verdicts)")
    }
}
