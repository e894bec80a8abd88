import Digest
import Foundation
import Ingest
import Model
import Pack
import Testing

/// Hostile archives, read by the real program's child: the verdict, the members kept, the memory used, the files touched.
@Suite(.serialized) struct AttackTests {
    /// The most memory the child may hold, in bytes.
    private static let mostMemory: UInt64 = 64 << 20

    @Test(arguments: Attack.all) func attack(_ attack: Attack) throws {
        let stage = try Stage()
        let path = stage.folder + "/attack.tar.gz"
        attack.build(HostileArchive(path: path))
        let before = stage.surroundings()
        let packed = try stage.pack([path], limits: attack.limits)
        #expect(stage.surroundings() == before)
        #expect(stage.strays().isEmpty, "\(stage.strays())")
        #expect(packed.quarantined.isEmpty)
        let verdict = try #require(packed.verdicts.first)
        #expect(verdict.verdict == attack.verdict, "\(verdict)")
        #expect(attack.flags.isSubset(of: verdict.flags), "\(verdict)")
        let peak = try #require(packed.peakBytes)
        #expect(peak <= Self.mostMemory, "\(peak >> 20) MiB")
        let counts = "\(packed.members) members, \(packed.crashes) crashes, \(peak >> 20) MiB"
        print("attack: \(attack.name): \(verdict.verdict), \(counts)")
        let kept = packed.reader.members.filter { member in
            // Content after damage is marked as corrupt, though it may be right.
            member.flags.isDisjoint(with: [.truncated, .limited])
                && member.sha256 == SHA256.digest(member.path)
        }
        let names = Set(kept.map { String(decoding: $0.path, as: UTF8.self) })
        for name in attack.kept { #expect(names.contains(name), "\(name) is not kept whole") }
        if let members = attack.members { #expect(packed.members == members) }
        #expect(PackReader.verify(path: stage.store + "/" + packed.pack).damage.isEmpty)
    }

    @Test(.enabled(if: corpora != nil, "the shared corpora are not beside the package; set SALVAGE_CORPORA"))
    func corpus() throws {
        let folder = try #require(corpora) + "/tar"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(files.count >= 28)
        for name in files {
            let stage = try Stage()
            let path = stage.folder + "/" + name
            try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: path)
            let before = stage.surroundings()
            let packed = try stage.pack([path])
            #expect(stage.surroundings() == before, "\(name)")
            #expect(stage.strays().isEmpty, "\(name): \(stage.strays())")
            let verdict = try #require(packed.verdicts.first)
            // Exactly one of them lacks its end.
            #expect(verdict.verdict == (name == "tar-rs-empty_filename.tar" ? "incomplete" : "ok"), "\(name)")
            #expect(UInt64(packed.members) == verdict.entries, "\(name)")
            let peak = try #require(packed.peakBytes)
            #expect(peak <= Self.mostMemory, "\(name): \(peak >> 20) MiB")
            #expect(PackReader.verify(path: stage.store + "/" + packed.pack).damage.isEmpty, "\(name)")
        }
    }
}

/// The folder of shared test data; nil if it is absent.
let corpora: String? = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let folder =
        ProcessInfo.processInfo.environment["SALVAGE_CORPORA"]
        ?? package.appendingPathComponent("../shared/corpora").standardizedFileURL.path
    return FileManager.default.fileExists(atPath: folder) ? folder : nil
}()
