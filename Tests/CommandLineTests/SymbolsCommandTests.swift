import Foundation
import Testing

@Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
struct SymbolsCommandTests {
    @Test func symbolsNameTheCrashesThatWaitedForThem() throws {
        let stage = try CrashStage()
        #expect(try stage.ingest("s-a", tag: "1.0", try stage.core("a", "weapon")).status == 0)
        #expect(try stage.ingest("s-b", tag: "1.1", try stage.core("b", "weapon")).status == 0)
        let before = try stage.signatures()
        let old = try #require(before["s-a"])
        #expect(old.hasPrefix("server+0x") && old != before["s-b"])
        let missing = try stage.salvage("symbols", "missing", "--json").objects
        let server = try #require(missing.first { $0["module"] as? String == "server" })
        #expect(server["crashes"] as? Int == 1)
        #expect((server["builds"] as? [String])?.first?.hasPrefix("shooter:1.") == true)

        let first = try stage.salvage("symbols", "add", "--json", stage.scratch.path("a/server.debug"))
        #expect(first.status == 0 && first.objects.first?["signatures"] as? Int == 1, "\(first.out)\(first.err)")
        #expect(try stage.signatures()["s-a"] == "weapon_damage")
        #expect(try stage.signatures()["s-b"] == before["s-b"])
        // A folder, with the executable itself this time.
        let second = try stage.salvage("symbols", "add", stage.scratch.path("b"))
        #expect(second.status == 0 && second.out.contains("1 got a new signature"), "\(second.out)\(second.err)")
        #expect(try stage.signatures() == ["s-a": "weapon_damage", "s-b": "weapon_damage"])
        #expect(try stage.signatures("--signature", old) == ["s-a": "weapon_damage"])
        #expect(try stage.signatures("--tag", "1.1", "--signature", "server+*") == ["s-b": "weapon_damage"])
        let top = try stage.salvage("crashes", "top", "--json").objects
        #expect(top.count == 1 && top.first?["count"] as? Int == 2 && top.first?["images"] as? [String] == ["shooter"])
        let left = try stage.salvage("symbols", "missing", "--json").objects.compactMap { $0["module"] as? String }
        #expect(!left.contains("server"))

        let crash = try stage.salvage("crash", "s-a")
        #expect(crash.out.contains("server.c:") && crash.out.contains("world_tick") && crash.out.contains(old))
        let record = try #require(try stage.salvage("crash", "s-a", "--json").objects.first)
        #expect(record["aliases"] as? [String] == [old])
        let frames = try #require(record["frames"] as? [[String: Any]])
        #expect(frames.prefix(3).map { $0["function"] as? String } == ["weapon_damage", "world_tick", "loop"])
        #expect(frames.prefix(3).allSatisfy { $0["line"] is Int })
    }

    @Test func whatComesLaterIsNamedAtOnceAndAReindexEndsInTheSame() throws {
        let stage = try CrashStage()
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        // The kernel's usual filter keeps no code pages: only the executable's tables lead up the stack.
        #expect(try stage.ingest("early", tag: "1.0", try stage.core("a", "weapon", filter: "0x33")).status == 0)
        #expect(try stage.signatures() == ["early": "weapon_damage"])
        let frames = try stage.salvage("crash", "early", "--json").objects.first?["frames"] as? [[String: Any]]
        #expect(frames?.prefix(3).map { $0["trust"] as? String } == ["context", "cfi", "cfi"])
        #expect(try stage.ingest("late", tag: "1.1", try stage.core("b", "net")).status == 0)
        let offset = try #require(try stage.signatures()["late"])
        #expect(offset.hasPrefix("abort | server+0x"))
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("b/server.full")).status == 0)
        #expect(try stage.signatures()["late"] == "abort | net_receive")

        let questions = [
            ["crashes", "--json"], ["crashes", "top", "--json"], ["crash", "late", "--json"],
            ["crashes", "--json", "--signature", offset], ["symbols", "missing", "--json"],
        ]
        func answers() throws -> [String] {
            try questions.map { try Program.run($0, environment: ["SALVAGE_STORE": stage.store]).out }
        }
        let before = try answers()
        #expect(before[3].contains("net_receive"))
        try shell("rm -f \(stage.store)/catalog.sqlite*")
        #expect(try stage.salvage("reindex").status == 0)
        #expect(try answers() == before)
        #expect(try stage.salvage("reindex").status == 0)
        #expect(try answers() == before)
        // The packs themselves know no symbols.
        try shell("rm -rf \(stage.store)/catalog.sqlite* \(stage.store)/symbols")
        #expect(try stage.salvage("reindex").status == 0)
        #expect(try stage.signatures()["late"] == offset)
    }

    @Test func theStoreIsReadableByOtherToolsAndSaysWhatItLacks() throws {
        let stage = try CrashStage()
        #expect(try stage.salvage("symbols", "list").status == 1)
        let none = try stage.salvage("symbols", "add", stage.scratch.path("server.c"))
        #expect(none.status == 1 && none.err.contains("build id"), "\(none.out)\(none.err)")
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("nothing")).status == 2)
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a")).status == 0)
        let entries = try stage.salvage("symbols", "list", "--json").objects
        #expect(Set(entries.compactMap { $0["kind"] as? String }) == ["debug", "executable"])
        let identity = try #require(entries.first?["identity"] as? String)
        #expect(try shell("readelf -n \(stage.scratch.path("a/server"))").out.contains(identity))
        let file = stage.store + "/symbols/.build-id/\(identity.prefix(2))/\(identity.dropFirst(2)).debug"
        #expect(FileManager.default.fileExists(atPath: file))
        if CrashStage.has("gdb") {
            let gdb = try shell(
                """
                gdb -nx -batch -iex 'set debug-file-directory \(stage.store)/symbols' -ex 'info line weapon_damage' \
                \(stage.scratch.path("a/server")) 2>&1
                """)
            #expect(gdb.out.contains("server.c"), "\(gdb.out)")
        }
        let again = try stage.salvage("symbols", "add", "--json", stage.scratch.path("a")).objects.first
        #expect(again?["added"] as? Int == 0 && (again?["known"] as? Int ?? 0) > 0)
    }

    /// Not even root can enter a link that leads to itself.
    @Test func symbolsThatCannotBeReadAreNotMissing() throws {
        let stage = try CrashStage()
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        let entries = try stage.salvage("symbols", "list", "--json").objects
        let identity = try #require(entries.first?["identity"] as? String)
        let folder = stage.store + "/symbols/.build-id/\(identity.prefix(2))"
        try shell("mv \(folder) \(folder).aside && ln -s \(identity.prefix(2)) \(folder)")
        #expect(try stage.ingest("s-1", tag: "1.0", try stage.core("a", "weapon")).status == 0)
        for query in ["list", "missing"] {
            let outcome = try stage.salvage("symbols", query)
            #expect(outcome.status == 3 && outcome.err.contains("symbolic links"), "\(query): \(outcome.err)")
            #expect(!outcome.out.contains(identity), "\(query): \(outcome.out)")
        }
        func crash() throws -> [String: Any] {
            try #require(try stage.salvage("crash", "s-1", "--json").objects.first)
        }
        func unread(_ crash: [String: Any]) -> [String] {
            (crash["notes"] as? [String] ?? []).filter { $0.hasPrefix("symbols could not be read: ") }
        }
        let before = try crash()
        #expect(unread(before).contains { $0.contains("Too many levels of symbolic links (\(folder)/") }, "\(before)")
        let old = try #require(before["signature"] as? String)
        #expect(old.hasPrefix("server+0x") && before["signature_quality"] as? String == "offset")
        let refused = try stage.salvage("signatures", "refresh")
        #expect(refused.status == 3 && refused.out.contains("still cannot be read"), "\(refused.out)\(refused.err)")

        try shell("rm \(folder) && mv \(folder).aside \(folder)")
        let dry = try stage.salvage("signatures", "refresh", "--dry-run", "--json")
        #expect(dry.status == 0 && dry.objects.first?["to"] as? String == "weapon_damage", "\(dry.out)\(dry.err)")
        #expect(try stage.signatures() == ["s-1": old])
        let real = try stage.salvage("signatures", "refresh")
        #expect(real.status == 0 && real.out.contains("1 got a new signature"), "\(real.out)\(real.err)")
        #expect(try stage.signatures() == ["s-1": "weapon_damage"])
        let after = try crash()
        #expect(unread(after).isEmpty && after["aliases"] as? [String] == [old], "\(after)")
    }

    /// What the symbols told before is worth more than what is known without them.
    @Test func aLocalFaultTakesNoNamesFromACrash() throws {
        let stage = try CrashStage()
        let symbols = stage.scratch.path("a/server.full")
        #expect(try stage.salvage("symbols", "add", symbols).status == 0)
        #expect(try stage.ingest("s-1", tag: "1.0", try stage.core("a", "weapon")).status == 0)
        #expect(try stage.signatures() == ["s-1": "weapon_damage"])
        func crash() throws -> [String: Any] {
            try #require(try stage.salvage("crash", "s-1", "--json").objects.first)
        }
        func unread(_ crash: [String: Any]) -> [String] {
            (crash["notes"] as? [String] ?? []).filter { $0.hasPrefix("symbols could not be read: ") }
        }
        let before = try crash()
        #expect(unread(before).isEmpty)
        for words in ["symbols add \(symbols)", "signatures refresh"] {
            let command = "ulimit -n 24; exec \(Program.salvage.path) \(words)"
            let outcome = try Program.Running(
                URL(fileURLWithPath: "/bin/sh"), ["-c", command], environment: ["SALVAGE_STORE": stage.store]
            ).wait()
            let isSaid = outcome.status == 3 && outcome.out.contains("cannot be read")
            #expect(isSaid, "\(words): \(outcome.out)\(outcome.err)")
            let kept = try crash()
            #expect(kept["signature"] as? String == "weapon_damage" && !unread(kept).isEmpty, "\(words): \(kept)")
            #expect(kept["aliases"] as? [String] == before["aliases"] as? [String], "\(words)")
        }
        let mended = try stage.salvage("signatures", "refresh")
        #expect(mended.status == 0, "\(mended.out)\(mended.err)")
        let after = try crash()
        #expect(unread(after).isEmpty && after["stack_hash"] as? String == before["stack_hash"] as? String)
        // A soft limit is raised.
        let command = "ulimit -S -n 24; exec \(Program.salvage.path) symbols add --json \(symbols)"
        let soft = try Program.Running(
            URL(fileURLWithPath: "/bin/sh"), ["-c", command], environment: ["SALVAGE_STORE": stage.store]
        ).wait()
        #expect(soft.status == 0 && soft.objects.first?["awaiting_symbols"] as? Int == 0, "\(soft.out)\(soft.err)")
    }

    /// A disk of its own has a folder that only root can list, and people leave links.
    @Test func foldersOfOthersBesideTheSymbolsHideNothing() throws {
        let stage = try CrashStage()
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        let entries = try stage.salvage("symbols", "list", "--json").out
        try shell("cd \(stage.store)/symbols && ln -s lost+found lost+found")
        let clean = try stage.salvage("symbols", "list", "--json")
        #expect(clean.status == 0 && clean.out == entries, "\(clean.err)")
        try shell("cd \(stage.store)/symbols && ln -s /nowhere/at/all foreign")
        let list = try stage.salvage("symbols", "list", "--json")
        #expect(list.status == 3 && list.out == entries && list.err.contains("foreign"), "\(list.out)\(list.err)")
        #expect(try stage.ingest("s-1", tag: "1.0", try stage.core("a", "weapon")).status == 0)
        #expect(try stage.signatures() == ["s-1": "weapon_damage"])
        let missing = try stage.salvage("symbols", "missing", "--json")
        #expect(missing.status == 3 && missing.err.contains("foreign"), "\(missing.out)\(missing.err)")
        #expect(!missing.objects.contains { $0["module"] as? String == "server" })
    }

    @Test func oneOfSeveralPathsThatCannotBeReadStopsNothing() throws {
        let stage = try CrashStage()
        let outcome = try stage.salvage(
            "symbols", "add", "--json", stage.scratch.path("nothing"), stage.scratch.path("a/server.full"))
        #expect(outcome.status == 3 && outcome.objects.first?["added"] as? Int == 1, "\(outcome.out)\(outcome.err)")
        #expect(outcome.err.contains(stage.scratch.path("nothing")), "\(outcome.err)")
    }

    /// As of Go and musl. It is found by its name and the first page of the program.
    @Test func aProgramWithoutABuildIDNamesTheCrashesOfTheStore() throws {
        let stage = try CrashStage()
        let made = try shell(
            """
            mkdir -p \(stage.scratch.path("n/full")) && cd \(stage.scratch.path("n")) \
            && gcc -g -O1 -fno-optimize-sibling-calls -Wl,--build-id=none -pthread -o full/server ../server.c \
            && cp full/server server && strip server
            """)
        try #require(made.status == 0)
        #expect(try stage.ingest("early", tag: "1.0", try stage.core("n", "weapon")).status == 0)
        #expect(try stage.signatures()["early"]?.hasPrefix("server+0x") == true)
        let added = try stage.salvage("symbols", "add", stage.scratch.path("n/full/server"))
        #expect(added.status == 0 && added.out.contains("1 got a new signature"), "\(added.out)\(added.err)")
        #expect(try stage.ingest("late", tag: "1.0", try stage.core("n", "weapon")).status == 0)
        #expect(try stage.signatures() == ["early": "weapon_damage", "late": "weapon_damage"])
    }

    /// It is unpacked in the confined process, which can create no file.
    @Test func miniDebugInfoNamesFunctions() throws {
        guard CrashStage.has("xz") else {
            print("skipped: xz is not installed")
            return
        }
        let stage = try CrashStage()
        let made = try shell(
            """
            cd \(stage.scratch.path("a")) && cp server.full mini \
            && nm --format=posix --defined-only mini | awk '$2 == "T" || $2 == "t" { print $1 }' | sort > keep \
            && objcopy --only-keep-debug mini mini.debug \
            && objcopy -S --remove-section .comment --keep-symbols=keep mini.debug mini.info && xz mini.info \
            && strip --strip-all mini && objcopy --add-section .gnu_debugdata=mini.info.xz mini
            """)
        try #require(made.status == 0)
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a/mini")).status == 0)
        #expect(try stage.ingest("s-1", tag: "1.0", try stage.core("a", "weapon")).status == 0)
        #expect(try stage.signatures() == ["s-1": "weapon_damage"])
        let notes = try stage.salvage("crash", "s-1", "--json").objects.first?["notes"] as? [String] ?? []
        #expect(!notes.contains { $0.hasPrefix("symbols could not be read") }, "\(notes)")
    }

    @Test func whatCannotBeReadBelowAFolderIsNamedAndTheRestIsAdded() throws {
        guard try shell("command -v strace && strace -o /dev/null true").status == 0 else {
            print("skipped: strace cannot be used here")
            return
        }
        let stage = try CrashStage()
        let tree = stage.scratch.path("tree")
        try shell(
            """
            mkdir -p \(tree)/locked && cp \(stage.scratch.path("a/server.full")) \(tree)/a \
            && cp \(stage.scratch.path("b/server.full")) \(tree)/locked/b
            """)
        let outcome = try shell(
            "SALVAGE_STORE=\(stage.store) strace -f -qq -o /dev/null -P \(tree)/locked -e trace=openat "
                + "-e inject=openat:error=EIO \(Program.salvage.path) symbols add --json \(tree) 2>&1")
        #expect(outcome.status == 3, "\(outcome.out)")
        #expect(outcome.out.contains("\"added\":1") && outcome.out.contains("\(tree)/locked"), "\(outcome.out)")
        #expect(outcome.out.contains("Input/output error"), "\(outcome.out)")
        #expect(try stage.salvage("symbols", "add", "--json", tree).objects.first?["added"] as? Int == 1)
    }
}
