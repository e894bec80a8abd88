import Foundation
import Testing

/// Backups and restores that are not whole, with the real program.
@Suite(.serialized) struct BackupGapTests {
    private func salvage(_ store: String, _ arguments: [String]) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["SALVAGE_STORE": store])
    }

    private func ingest(_ session: String, tag: String, _ text: String, into store: String, _ scratch: Scratch) throws {
        let log = scratch.path("console.log")
        try text.write(toFile: log, atomically: true, encoding: .utf8)
        let outcome = try salvage(store, ["ingest", "--session", session, "--tag", tag, log])
        try #require(outcome.status == 0, "\(outcome.err)")
    }

    /// A kill before the mark stands leaves the lock only.
    @Test(arguments: [
        "touch lock", "touch lock && printf /x > .restoring.part~", "touch lock .restoring",
    ]) func aRestoreThatWasInterruptedAtOnceIsTakenUp(_ left: String) throws {
        let scratch = try Scratch()
        let (store, other) = (scratch.path("store"), scratch.path("other"))
        try ingest("a", tag: "1", "needle a\n", into: store, scratch)
        #expect(try salvage(store, ["backup", scratch.path("backups")]).status == 0)
        try shell("mkdir \(other) && cd \(other) && \(left)")
        let restored = try salvage(other, ["restore", scratch.path("backups")])
        #expect(restored.status == 0, "\(restored.err)")
        #expect(try salvage(other, ["cat", "a", "console.log"]).out == "needle a\n")
        #expect(try shell("ls -a \(other)").out.contains(".restoring") == false)
    }

    private func names(_ backups: String) throws -> [String] {
        try shell("ls \(backups)").out.split(separator: "\n").map(String.init).filter { $0.hasPrefix("2") }
    }

    /// A pack that is damaged in the store is whole in an older backup only.
    @Test func anIncompleteBackupRemovesNoneAndDoesNotPassForWhole() throws {
        let scratch = try Scratch()
        let (store, backups) = (scratch.path("store"), scratch.path("backups"))
        for name in ["a", "b"] { try ingest(name, tag: "1", "needle \(name)\n", into: store, scratch) }
        for _ in 0..<2 { #expect(try salvage(store, ["backup", backups]).status == 0) }
        let whole = try names(backups)
        let pack = try shell("cd \(store) && find packs -name a.pack").out.filter { $0 != "\n" }
        try shell("cd \(store) && cp \(pack) x && printf x | dd of=x bs=1 seek=9 && mv x \(pack)")
        // Also where the damaged file is that of the last backup.
        for count in 3...4 {
            let made = try salvage(store, ["backup", backups, "--keep", "1", "--json"])
            #expect(made.status == 3 && made.err.contains("a.pack"), "\(made.err)")
            #expect(made.err.contains("no older backup was removed"), "\(made.err)")
            #expect(made.objects.first?["missing"] as? Int == 1, "\(made.out)")
            #expect(try names(backups).count == count)
        }
        let checked = try salvage(store, ["backup", backups, "--verify", "--json"])
        #expect(checked.status == 3 && checked.err.contains("a.pack"), "\(checked.err)")
        #expect(checked.objects.first?["missing"] as? Int == 1 && checked.objects.first?["damaged"] as? Int == 0)
        let restored = try salvage(scratch.path("other"), ["restore", backups])
        #expect(restored.status == 3 && restored.err.contains("a.pack"), "\(restored.err)")
        #expect(try salvage(scratch.path("other"), ["cat", "b", "console.log"]).out == "needle b\n")

        try shell("cp \(backups)/\(whole[1])/\(pack) \(store)/\(pack)")
        let mended = try salvage(store, ["backup", backups, "--keep", "2"])
        #expect(mended.status == 0, "\(mended.err)")
        let left = try names(backups)
        #expect(left.count == 4 && left.first == whole[1], "whole ones are counted: \(left)")
        #expect(try salvage(store, ["backup", backups, "--keep", "1"]).status == 0)
        #expect(try names(backups).count == 1)
    }

    /// A backup that cannot be read may be the newest, and the backup disk may not be mounted.
    @Test func whatCannotBeLookedAtIsNotSkipped() throws {
        let scratch = try Scratch()
        let (store, backups) = (scratch.path("store"), scratch.path("backups"))
        try ingest("a", tag: "1", "needle a\n", into: store, scratch)
        let nowhere = try salvage(store, ["backup", scratch.path("mnt/backups"), "--quiet"])
        #expect(nowhere.status == 2 && nowhere.err.contains("mount"), "\(nowhere.err)")
        #expect(!FileManager.default.fileExists(atPath: scratch.path("mnt")))
        let quiet = try salvage(store, ["backup", backups, "--quiet"])
        #expect(quiet.status == 0 && quiet.out == "" && quiet.err.contains("same disk as the store"), "\(quiet.err)")

        // A loop of links is neither there nor absent; what is no backup does not matter.
        try shell("cd \(backups) && ln -s lost+found lost+found && ln -s 2099-01-01T00-00 2099-01-01T00-00")
        for use in [["restore", backups, "--store", scratch.path("other")], ["backup", backups, "--verify"]] {
            let outcome = try Program.run(use)
            #expect(outcome.status == 2 && outcome.err.contains("2099-01-01T00-00"), "\(outcome.err)")
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.path("other")))
        let made = try salvage(store, ["backup", backups, "--keep", "1"])
        #expect(made.status == 3 && made.err.contains("2099-01-01T00-00 is not used"), "\(made.err)")
        try shell("rm \(backups)/2099-01-01T00-00")
        #expect(try salvage(scratch.path("other"), ["restore", backups]).status == 0)
    }
}
