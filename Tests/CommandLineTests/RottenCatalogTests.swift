import Foundation
import Testing

/// A lost or damaged catalog, and a pack with damaged tables, with the real program.
@Suite struct RottenCatalogTests {
    /// A store with the sessions `a` and `b`, each of one log.
    private func stage() throws -> (scratch: Scratch, store: String) {
        let scratch = try Scratch()
        let store = scratch.path("store")
        for name in ["a", "b"] {
            let log = scratch.path("\(name).log")
            try "2026-11-20T10:00:00Z needle of \(name)\n".write(toFile: log, atomically: true, encoding: .utf8)
            let outcome = try Program.run(["ingest", "--store", store, "--session", name, "--tag", "1.0", log])
            try #require(outcome.status == 0, "\(outcome.err)")
        }
        return (scratch, store)
    }

    private func doctor(_ store: String) throws -> (status: Int32, findings: [String: [String]]) {
        let outcome = try Program.run(
            ["doctor", "--offline", "--json", "--store", store], environment: ["GAMEYE_API_TOKEN": "t"])
        var findings: [String: [String]] = [:]
        for line in outcome.objects {
            let words = [line["result"], line["message"], line["hint"]].compactMap { $0 as? String }
            findings[line["check"] as? String ?? "", default: []].append(words.joined(separator: ": "))
        }
        return (outcome.status, findings)
    }

    private func verdicts(_ outcome: Program.Outcome, of file: String) -> [String] {
        outcome.objects.filter { $0["file"] as? String == file }.compactMap { $0["verdict"] as? String }
    }

    @Test func aLostCatalogIsNoHealthyStore() throws {
        let (scratch, store) = try stage()
        defer { withExtendedLifetime(scratch) {} }
        try shell("rm \(store)/catalog.sqlite*")
        let said = try doctor(store)
        let catalog = said.findings["catalog"]?.joined() ?? ""
        #expect(said.status == 2 && catalog.hasPrefix("failure: ") && catalog.contains("2 packs"), "\(said)")
        #expect(catalog.contains("salvage reindex"))

        // The packs are left, and they are checked.
        let verify = try Program.run(["verify", "--json", "--store", store])
        #expect(
            verify.status == 3 && verdicts(verify, of: "catalog.sqlite") == ["missing"], "\(verify.out)\(verify.err)")
        #expect(verify.objects.count == 1)
        try shell("f=$(find \(store)/packs -name a.pack); printf X | dd of=$f bs=1 seek=20 conv=notrunc")
        let damaged = try Program.run(["verify", "--json", "--store", store])
        #expect(damaged.objects.contains { $0["session"] as? String == "a" && $0["verdict"] as? String == "corrupt" })

        // A store that was never used is another matter.
        let unused = scratch.path("unused")
        try shell("mkdir -m 700 \(unused)")
        #expect(try doctor(unused).findings["catalog"]?.joined().hasPrefix("note: ") == true)
        #expect(try Program.run(["verify", "--store", unused]).status == 2)
    }

    @Test func aDamagedHeaderOrSchemaIsToldAndThePacksAreChecked() throws {
        let (scratch, store) = try stage()
        defer { withExtendedLifetime(scratch) {} }
        let database = URL(fileURLWithPath: store + "/catalog.sqlite")
        try shell("rm -f \(store)/catalog.sqlite-*")
        let sound = try Data(contentsOf: database)
        let column = Data("host TEXT".utf8)
        // A table that was changed leaves its earlier definition in free space.
        let columns = sound.indices.filter { sound[$0...].starts(with: column) }
        // Byte 63 is the number of the layout: a later one is another program's, an earlier one contradicts the tables.
        let (later, earlier) = (sound[63] ^ (sound[63] + 1), sound[63] ^ (sound[63] - 1))
        for (places, mask, verdict) in [
            ([71], 1, "foreign"), ([63], later, "other_layout"), ([63], earlier, "corrupt"), ([18], 4, "corrupt"),
            (columns, 2, "corrupt"),
        ] {
            var bytes = sound
            for place in places { bytes[place] ^= mask }
            let place = places[0]
            try bytes.write(to: database)
            let verify = try Program.run(["verify", "--json", "--store", store])
            #expect(verify.status == 3, "\(place): \(verify.out)\(verify.err)")
            #expect(Set(verdicts(verify, of: "catalog.sqlite")) == [verdict], "\(place): \(verify.out)")
            #expect(!verify.objects.contains { ($0["file"] as? String)?.hasSuffix(".pack") == true }, "\(verify.out)")
            let said = try doctor(store)
            #expect(said.status == 2 && said.findings["catalog"]?.joined().contains("reindex") == true, "\(said)")
            let reindex = try Program.run(["reindex", "--json", "--store", store])
            #expect(reindex.status == 0, "\(place): \(reindex.err)")
            #expect(reindex.objects.first?["set_aside"] is String, "\(place): \(reindex.out)")
            #expect(try Program.run(["verify", "--store", store]).status == 0)
            #expect(try Program.run(["sessions", "--tag", "1.0", "--json", "--store", store]).objects.count == 2)
            try shell("rm -f \(store)/catalog.sqlite*")
        }
    }

    @Test func anOlderLayoutHasItsOwnWords() throws {
        let (scratch, store) = try stage()
        defer { withExtendedLifetime(scratch) {} }
        let older = try shell("sqlite3 \(store)/catalog.sqlite 'DROP INDEX sessions_packs; PRAGMA user_version = 3'")
        guard older.status == 0 else { return }
        let said = try doctor(store)
        let catalog = said.findings["catalog"]?.joined() ?? ""
        #expect(said.status == 3 && catalog.contains("older layout") && !catalog.contains("none yet"), "\(said)")
        let verify = try Program.run(["verify", "--json", "--store", store])
        #expect(verdicts(verify, of: "catalog.sqlite") == ["other_layout"], "\(verify.out)\(verify.err)")
    }

    @Test func aChangedTagIsSeen() throws {
        let (scratch, store) = try stage()
        defer { withExtendedLifetime(scratch) {} }
        #expect(try Program.run(["verify", "--store", store]).status == 0)
        let changed = try shell("sqlite3 \(store)/catalog.sqlite \"UPDATE sessions SET tag = '1.1' WHERE id = 'b'\"")
        guard changed.status == 0 else { return }
        let verify = try Program.run(["verify", "--json", "--store", store])
        let line = verify.objects.first
        #expect(verify.status == 3 && line?["verdict"] as? String == "differs", "\(verify.out)")
        #expect((line?["first_error"] as? String)?.contains("tag 1.1") == true, "\(verify.out)")
        #expect(try Program.run(["reindex", "--store", store]).status == 0)
        #expect(try Program.run(["verify", "--store", store]).status == 0)
    }

    @Test func whatCannotBeListedInTheSpoolIsSaid() throws {
        let (scratch, store) = try stage()
        defer { withExtendedLifetime(scratch) {} }
        try shell("ln -s \(scratch.path("elsewhere")) \(store)/spool/.quarantine")
        let link = try doctor(store).findings["spool"]?.joined() ?? ""
        #expect(link.contains(".quarantine cannot be read now"), "\(link)")
        guard geteuid() != 0 else { return print("skipped: root reads every folder") }
        try shell("mkdir \(store)/spool/s && touch \(store)/spool/s/0.complete && chmod 000 \(store)/spool/s")
        let hidden = try doctor(store).findings["spool"]?.joined() ?? ""
        #expect(hidden.contains("1 folder of downloads cannot be read now"), "\(hidden)")
        try shell("chmod 700 \(store)/spool/s")
    }

    /// Every flipped bit in a pack's footer: the log is printed, or an error is; it is never called absent.
    @Test func aPackWithDamagedTablesIsNotAnEmptyOne() throws {
        let (scratch, store) = try stage()
        let pack = try shell("find \(store)/packs -name a.pack").out.trimmingCharacters(in: .newlines)
        let sound = try Data(contentsOf: URL(fileURLWithPath: pack))
        // The trailer says where the directory is; its rows say where the sections are.
        func number(_ place: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(sound[place + $1]) << (8 * $1) }
        }
        let directory = number(sound.count - 32, 8)
        let rows = (0..<number(sound.count - 24, 4)).map { directory + 40 * $0 }
        for section in [3, 4] {
            let row = try #require(rows.first { number($0, 4) == section })
            var bytes = sound
            bytes[number(row + 8, 8) + number(row + 16, 8) / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: pack))
            for command in [
                ["logs", "a"], ["logs", "a", "--path", "*.log"], ["cat", "a", "a.log"],
                ["export", "a", "--to", scratch.path("out")],
            ] {
                let outcome = try Program.run(command + ["--store", store])
                let what = "section \(section), \(command): \(outcome.status) \(outcome.out)\(outcome.err)"
                #expect(outcome.status == 3 && outcome.err.contains("table of members is damaged"), "\(what)")
                #expect(outcome.err.contains("salvage verify"), "\(what)")
            }
            #expect(!FileManager.default.fileExists(atPath: scratch.path("out")))
            #expect(try Program.run(["show", "a", "--store", store]).out.contains("damaged"))
            #expect(try Program.run(["grep", "needle", "--store", store]).status == 2)
        }
    }
}
