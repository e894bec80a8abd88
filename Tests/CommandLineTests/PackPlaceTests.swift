import Foundation
import Glibc
import Testing

/// Packs of a session on another disk, on other days, under second names, and unknown to the catalog.
@Suite(.serialized) struct PackPlaceTests: OneSessionSuite {
    let scratch: Scratch

    init() throws { scratch = try Self.logs("old", "new", "third") }

    private var packs: [String] {
        get throws {
            try shell("cd \(store) && find -L packs -name '*.pack*' | sort").out.split(separator: "\n").map(String.init)
        }
    }

    private func loseCatalog() throws { try shell("rm \(store)/catalog.sqlite*") }

    @Test(arguments: ["packs", "packs/2026", "packs/2026/11", "packs/2026/11/20"])
    func aFolderOfPacksMayLieOnAnotherDisk(folder: String) throws {
        let disk = "/dev/shm/salvage-test-\(UUID().uuidString)"
        guard mkdir(disk, 0o700) == 0, try shell("[ $(stat -c %d \(disk)) != $(stat -c %d /tmp) ]").status == 0 else {
            print("skipped: there is no other file system at /dev/shm")
            return
        }
        defer { try? FileManager.default.removeItem(atPath: disk) }
        try #require(try ingest("old.log", "--created", "2026-11-20T10:00Z").status == 0)
        try shell("mv \(store)/\(folder) \(disk)/behind && ln -s \(disk)/behind \(store)/\(folder)")
        let second = try ingest("new.log")
        #expect(second.status == 0, "\(second.err)")
        #expect(try packs == ["packs/2026/11/20/s.pack"])
        #expect(try salvage("cat", "s", "old.log").out == "old line\n")
        #expect(try salvage("cat", "s", "new.log").out == "new line\n")
        #expect(try salvage("verify").status == 0)
        // A damaged one is set aside where it lies.
        let pack = "\(store)/packs/2026/11/20/s.pack"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: pack))
        bytes[bytes.count - 3] ^= 4
        try bytes.write(to: URL(fileURLWithPath: pack))
        #expect(try ingest("third.log").status == 3)
        #expect(try Data(contentsOf: URL(fileURLWithPath: pack + ".damaged-1")) == bytes)
        #expect(try salvage("cat", "s", "third.log").out == "third line\n")
        // One that is being copied there by another process is no part of the store.
        let unfinished = "\(store)/packs/2026/11/20/.s.pack.1"
        try Data("part".utf8).write(to: URL(fileURLWithPath: unfinished))
        #expect(try salvage("verify").out.contains("1 problem"))
        #expect(try salvage("backup", scratch.path("backup")).status == 0)
        #expect(try shell("find \(scratch.path("backup")) -name '.s.pack*'").out.isEmpty)
        unlink(unfinished)
        #expect(try salvage("prune", "--older-than", "0s").status == 0)
        #expect(try packs == ["packs/2026/11/20/s.pack.damaged-1"])
        #expect(try shell("find \(disk) \(store)/spool -type f").out.split(separator: "\n").count == 1)
    }

    @Test func aDiskThatIsAwayIsNotTheWordThatThereIsNoPack() throws {
        try #require(try ingest("old.log", "--created", "2026-11-20T10:00Z").status == 0)
        try loseCatalog()
        try shell("mv \(store)/packs/2026 \(scratch.path("disk")) && ln -s \(scratch.path("away")) \(store)/packs/2026")
        // Its day is not known any more, or given wrongly.
        for more in [[], ["--created", "2025-01-01T00:00Z"]] {
            let refused = try Program.run(
                ["ingest", "--store", store, "--session", "s"] + more + [scratch.path("new.log")])
            #expect(refused.status != 0 && refused.err.contains("is its disk mounted?"), "\(refused.err)")
        }
        #expect(try packs.isEmpty)
        try shell("mv \(scratch.path("disk")) \(scratch.path("away"))")
        #expect(try ingest("new.log").status == 0)
        #expect(try packs == ["packs/2026/11/20/s.pack"])
        #expect(try salvage("cat", "s", "old.log").out == "old line\n")
        // Another year's disk may be missing as long as the pack that the catalog names exists.
        try shell("ln -s /nowhere \(store)/packs/2024")
        #expect(try ingest("third.log").status == 0)
        #expect(try salvage("cat", "s", "old.log").out == "old line\n")
    }

    @Test(arguments: ["2026-11-20T10:00Z", "2026-11-25T00:00Z"])
    func anotherCreationIsNoOtherSession(created: String) throws {
        try #require(try ingest("old.log", "--created", "2026-11-20T10:00:00.123Z").status == 0)
        try loseCatalog()
        #expect(try ingest("new.log", "--created", created).status == 0)
        #expect(try packs.count == 1)
        #expect(try salvage("cat", "s", "old.log").out == "old line\n")
        #expect(try salvage("cat", "s", "new.log").out == "new line\n")
        #expect(try salvage("reindex").status == 0)
        #expect(try salvage("verify").status == 0)
    }

    /// Earlier versions left such packs: on another day, or beside the first one.
    @Test func secondPacksAreNamedUntilTheNextIngestTakesThemIn() throws {
        func pack(_ file: String, to place: String) throws {
            try #require(try ingest(file, "--created", "2026-11-20T10:00Z").status == 0)
            try shell("mkdir -p \(store)/packs/2026/11/21 \(scratch.path("kept"))")
            try shell("mv \(store)/packs/2026/11/20/s.pack \(scratch.path("kept"))/\(place)")
            try loseCatalog()
        }
        try pack("old.log", to: "other-day")
        try pack("new.log", to: "beside")
        try #require(try ingest("third.log", "--created", "2026-11-20T10:00Z").status == 0)
        try shell("mv \(scratch.path("kept"))/other-day \(store)/packs/2026/11/21/s.pack")
        try shell("mv \(scratch.path("kept"))/beside \(store)/packs/2026/11/20/s~1.pack")
        let reindex = try salvage("reindex")
        #expect(reindex.status == 3 && reindex.err.contains("merges it"), "\(reindex.err)")
        let verify = try salvage("verify", "--json")
        #expect(verify.status == 3)
        #expect(verify.objects.count { ($0["hint"] as? String)?.contains("merges it") == true } == 2, "\(verify.out)")
        #expect(try ingest("third.log").status == 0)
        #expect(try packs.count == 1)
        for name in ["old", "new", "third"] { #expect(try salvage("cat", "s", name + ".log").out == "\(name) line\n") }
        #expect(try salvage("reindex").status == 0)
        #expect(try salvage("verify").status == 0)
    }
}
