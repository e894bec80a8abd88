import Foundation
import Testing

/// "Cannot read now" is not "is not there", with the real program.
@Suite(.serialized) struct EarlierPackCommandTests: OneSessionSuite {
    let scratch: Scratch

    init() throws { scratch = try Self.logs("old", "new") }

    private var packs: [String] {
        get throws {
            try shell("find \(store)/packs \(store)/packs/*/ -name '*.pack*' | sort -u").out.split(separator: "\n").map(
                String.init)
        }
    }

    @Test func aDamagedEarlierPackIsSetAsideAndVerifySaysSoUntilItIsRemoved() throws {
        try #require(try ingest("old.log").status == 0)
        let pack = try #require(try packs.first)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: pack))
        bytes[bytes.count - 3] ^= 4
        try bytes.write(to: URL(fileURLWithPath: pack))
        let second = try ingest("new.log")
        #expect(second.status == 3, "\(second.out)\(second.err)")
        #expect(second.err.contains("set aside as packs/") && second.err.contains("s.pack.damaged-1"), "\(second.err)")
        #expect(try salvage("cat", "s", "new.log").out == "new line\n")
        let aside = pack + ".damaged-1"
        #expect(try Data(contentsOf: URL(fileURLWithPath: aside)) == bytes)
        let verify = try salvage("verify")
        #expect(verify.status == 3 && verify.out.contains("damaged-1: set_aside"), "\(verify.out)")
        #expect(try salvage("doctor", "--offline").out.contains("set aside"))
        // Nothing else touches it.
        for command in [["reindex"], ["prune", "--older-than", "0s"], ["verify"]] {
            _ = try Program.run(command + ["--store", store])
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: aside)) == bytes)
        try FileManager.default.removeItem(atPath: aside)
        #expect(try salvage("verify").status == 0)
    }

    @Test func anIngestBeforeTheReindexKeepsWhatTheLostCatalogKnew() throws {
        try #require(try ingest("old.log", "--image", "game", "--created", "2026-11-20T00:00Z").status == 0)
        try shell("rm \(store)/catalog.sqlite*")
        #expect(try ingest("new.log").status == 0)
        #expect(try packs.count == 1)
        #expect(try salvage("cat", "s", "old.log").out == "old line\n")
        #expect(try salvage("sessions", "--json").objects.first?["image"] as? String == "game")
        #expect(try salvage("verify").status == 0)
    }

    @Test func verifyComparesCatalogAndPacksBothWays() throws {
        try #require(try ingest("old.log").status == 0)
        try #require(
            try Program.run(["ingest", "--store", store, "--session", "t", scratch.path("new.log")]).status == 0)
        #expect(try salvage("verify").out == "2 packs are good\n")
        let all = try packs
        let aside = scratch.path("aside.pack")
        // A pack that nobody knows, and a row without its pack.
        try FileManager.default.copyItem(atPath: all[0], toPath: all[0].replacing("/s.pack", with: "/u.pack"))
        try FileManager.default.moveItem(atPath: all[1], toPath: aside)
        let verify = try salvage("verify", "--json")
        #expect(verify.status == 3)
        #expect(Set(verify.objects.compactMap { $0["verdict"] as? String }) == ["missing", "not_in_catalog"])
        let doctor = try salvage("doctor", "--offline")
        #expect(doctor.out.contains("not in the catalog") && doctor.out.contains("is missing"), "\(doctor.out)")
        try FileManager.default.moveItem(atPath: aside, toPath: all[1])
        try FileManager.default.removeItem(atPath: all[0].replacing("/s.pack", with: "/u.pack"))
        #expect(try salvage("verify").status == 0)
        // Bits that rot in the database.
        let database = store + "/catalog.sqlite"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: database))
        let place = try #require(bytes.range(of: Data("old.log".utf8))).lowerBound
        bytes[place] ^= 1
        try bytes.write(to: URL(fileURLWithPath: database))
        #expect(try salvage("verify", "--json").objects.contains { $0["verdict"] as? String == "differs" })
        for offset in stride(from: 4096, to: bytes.count, by: 700) { bytes[offset] ^= 0x55 }
        try bytes.write(to: URL(fileURLWithPath: database))
        let rotten = try salvage("verify", "--json")
        #expect(rotten.status == 3)
        #expect(
            rotten.objects.contains {
                $0["file"] as? String == "catalog.sqlite" && $0["verdict"] as? String == "corrupt"
            }, "\(rotten.out)\(rotten.err)")
        #expect([2, 3].contains(try salvage("doctor", "--offline").status))
        #expect(try salvage("reindex").status == 0)
        #expect(try salvage("verify").status == 0)
    }

    @Test func aReindexWithADiskAwayKeepsEveryRow() throws {
        try #require(try ingest("old.log", "--created", "2026-11-20T00:00Z").status == 0)
        try shell("mkdir \(scratch.path("disk")) && mv \(store)/packs/2026 \(scratch.path("disk"))/")
        try shell("ln -s \(scratch.path("disk"))/2026 \(store)/packs/2026")
        #expect(try salvage("reindex").out == "indexed 1 pack\n")
        try shell("mv \(scratch.path("disk")) \(scratch.path("away"))")
        let away = try salvage("reindex")
        #expect(away.status == 3, "\(away.out)\(away.err)")
        #expect(away.err.contains("is its disk mounted?") && away.err.contains("its row is kept"), "\(away.err)")
        // An ingest does not proceed without it either.
        #expect(try ingest("new.log").status != 0)
        try shell("mv \(scratch.path("away")) \(scratch.path("disk"))")
        #expect(try ingest("new.log").status == 0)
        #expect(try salvage("cat", "s", "old.log").out == "old line\n")
    }

    /// Each system call fails once, in the parent and in the child, with each temporary error.
    @Test func noPassingFaultCostsAnEarlierMember() throws {
        guard try shell("command -v strace && strace -o /dev/null true").status == 0 else {
            print("skipped: strace cannot be used here")
            return
        }
        try #require(try ingest("old.log").status == 0)
        let sound = scratch.path("sound")
        try shell("cp -a \(store) \(sound)")
        var failed = 0
        for fault in ["openat:error=EMFILE", "pread64:error=EIO"] {
            let call = try #require(fault.split(separator: ":").first)
            try shell("rm -rf \(store) && cp -a \(sound) \(store)")
            // Of one thread, as strace counts them. The first ones are the loader's.
            let calls = try shell(
                "strace -f -o \(scratch.path("calls")) -e trace=\(call) \(Program.salvage.path) ingest --store \(store) "
                    + "--session s \(scratch.path("new.log")); cut -d' ' -f1 \(scratch.path("calls")) | sort | uniq -c | "
                    + "sort -rn | head -1 | awk '{print $1}'")
            let most = calls.out.split(separator: "\n").last.flatMap { Int($0) } ?? 60
            for number in stride(from: max(1, most - 39), through: most, by: 3) {
                try shell("rm -rf \(store) && cp -a \(sound) \(store)")
                let outcome = try shell(
                    "strace -f -o /dev/null -e trace=\(call) -e inject=\(fault):when=\(number) "
                        + "\(Program.salvage.path) ingest --store \(store) --session s \(scratch.path("new.log"))")
                if outcome.status != 0 { failed += 1 }
                #expect(try salvage("cat", "s", "old.log").out == "old line\n", "\(fault) at \(number)")
            }
        }
        #expect(failed > 2, "the faults met nothing")
    }
}
