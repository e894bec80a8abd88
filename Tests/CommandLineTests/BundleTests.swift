import Foundation
import Testing

/// A bundle goes from one store to another and gives the same answers.
@Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
struct BundleTests {
    /// Two stores: the bundle's origin, and where it goes.
    private struct Stage {
        let crash: CrashStage
        var scratch: Scratch { crash.scratch }
        var other: String { scratch.path("other") }
        var bundle: String { scratch.path("ticket.tar.gz") }

        init() throws { crash = try CrashStage() }

        func there(_ arguments: String...) throws -> Program.Outcome {
            try Program.run(arguments, environment: ["SALVAGE_STORE": other])
        }

        /// Ingests a session that crashed, with all that can be said about it.
        func addCrashed(_ session: String, build: String = "a", tag: String = "1.0", log: String = "tick\n") throws {
            let folder = scratch.path("in-\(tag)-\(UUID().uuidString)/Saved")
            let core = try crash.core(build, "weapon")
            try FileManager.default.createDirectory(atPath: folder + "/Logs", withIntermediateDirectories: true)
            try shell("cp --sparse=always '\(core)' '\(folder)/crash.dump'")
            try log.write(toFile: folder + "/Logs/Game.log", atomically: true, encoding: .utf8)
            let outcome = try crash.salvage(
                "ingest", "--session", session, "--image", "shooter", "--tag", tag, "--location", "fra", "--label",
                "mode=duel", "--label", "owner=é ✓", "--created", "2024-11-20T20:00:00.001Z", "--exited",
                "2024-11-20T21:00:00.123Z", folder)
            try #require(outcome.status == 0, "\(outcome.out)\(outcome.err)")
        }

        /// The facts about sessions that a bundle carries, as JSON with sorted keys: a dictionary that is printed has no order.
        func facts(_ store: String) throws -> [String] {
            let keys = ["session", "image", "tag", "location", "labels", "created", "exited", "members", "crashes"]
            return try Program.run(["sessions", "--json"], environment: ["SALVAGE_STORE": store]).objects.map {
                session in
                let facts = session.filter { keys.contains($0.key) }
                let json = try JSONSerialization.data(withJSONObject: facts, options: .sortedKeys)
                return String(decoding: json, as: UTF8.self)
            }.sorted()
        }

        /// The stacks of a store's crashes.
        func stacks(_ store: String) throws -> [String] {
            try Program.run(["crashes", "--json"], environment: ["SALVAGE_STORE": store]).objects.map { crash in
                let frames = (crash["frames"] as? [[String: Any]] ?? []).map { frame in
                    "\(frame["function"] ?? "?") \(frame["file"] ?? "?"):\(frame["line"] ?? "?")"
                }
                let facts = ["session", "signature", "stack_hash", "signal", "address", "member", "tag"]
                return facts.map { "\(crash[$0] ?? "-")" }.joined(separator: " ") + " "
                    + frames.joined(separator: " | ")
            }.sorted()
        }

        /// The members of a session: path, kind, size and content.
        func members(_ store: String, _ session: String) throws -> [String] {
            try Program.run(["files", session, "--json"], environment: ["SALVAGE_STORE": store]).objects
                .filter { $0["kind"] as? String != "directory" }
                .map { "\($0["path"] ?? "") \($0["kind"] ?? "") \($0["size"] ?? "") \($0["sha256"] ?? "")" }.sorted()
        }
    }

    @Test func aCrashedSessionIsTheSameInAnotherStore() throws {
        let stage = try Stage()
        #expect(try stage.crash.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        try stage.addCrashed("duel/4 d10")
        let export = try stage.crash.salvage("export", "duel/4 d10", "--bundle", "--to", stage.bundle, "--json")
        try #require(export.status == 0, "\(export.err)")
        let report = try #require(export.objects.first)
        #expect(report["to"] as? String == stage.bundle && report["sessions"] as? [String] == ["duel/4 d10"])
        #expect(report["crashes"] as? Int == 1 && (report["symbols"] as? Int ?? 0) > 0)

        let ingest = try stage.there("ingest", stage.bundle)
        try #require(ingest.status == 0, "\(ingest.out)\(ingest.err)")
        #expect(ingest.out.contains("duel/4 d10"))
        #expect(try stage.facts(stage.other) == stage.facts(stage.crash.store))
        let stacks = try stage.stacks(stage.other)
        #expect(try stacks == stage.stacks(stage.crash.store))
        #expect(stacks.first?.contains("weapon_damage") == true && stacks.first?.contains("server.c:") == true)
        #expect(try stage.members(stage.other, "duel/4 d10") == stage.members(stage.crash.store, "duel/4 d10"))
        #expect(try stage.there("logs", "duel/4 d10").out.contains("tick"))
        // Once more changes nothing but the pack's generation.
        #expect(try stage.there("ingest", stage.bundle).status == 0)
        #expect(try stage.stacks(stage.other) == stacks)
        // From there it goes on, and as a folder.
        let onward = stage.scratch.path("onward")
        #expect(try stage.there("export", "duel/4 d10", "--bundle=folder", "--to", onward).status == 0)
        let third = stage.scratch.path("third")
        let last = try Program.run(["ingest", onward], environment: ["SALVAGE_STORE": third])
        #expect(last.status == 0, "\(last.out)\(last.err)")
        #expect(try stage.facts(third) == stage.facts(stage.crash.store))
        #expect(try stage.stacks(third) == stacks)
    }

    @Test func aBundleIsReadableWithoutSalvage() throws {
        let stage = try Stage()
        #expect(try stage.crash.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        try stage.addCrashed("s-1")
        #expect(try stage.crash.salvage("export", "s-1", "--bundle", "--to", stage.bundle).status == 0)
        let place = stage.scratch.path("ticket/sessions/s-1")
        try shell("cd \(stage.scratch.url.path) && tar -xzf ticket.tar.gz")
        let crash = try String(contentsOfFile: place + "/crash.txt", encoding: .utf8)
        #expect(crash.contains("weapon_damage") && crash.contains("server.c:") && !crash.contains("\u{1B}"))
        #expect(try stage.crash.salvage("crash", "s-1").out == crash)
        #expect(
            try stage.crash.salvage("crash", "s-1", "--json").out
                == String(contentsOfFile: place + "/crash.json", encoding: .utf8))
        guard CrashStage.has("gdb") else {
            print("skipped: gdb is not installed")
            return
        }
        let gdb = try shell("'\(place)/gdb.sh' -batch -ex bt 2>&1")
        #expect(gdb.out.contains("weapon_damage") && gdb.out.contains("server.c:"), "\(gdb.out)")
    }

    @Test func aSignatureIsHandedOverByItsBestExamples() throws {
        let stage = try Stage()
        for build in ["a", "b"] {
            #expect(try stage.crash.salvage("symbols", "add", stage.scratch.path("\(build)/server.full")).status == 0)
        }
        for session in ["s-1", "s-2"] { try stage.addCrashed(session, tag: "1.0") }
        try stage.addCrashed("s-3", build: "b", tag: "1.1")
        let words = ["export", "--signature", "weapon_*", "--examples", "2", "--bundle", "--to", stage.bundle]
        let export = try Program.run(words, environment: ["SALVAGE_STORE": stage.crash.store])
        #expect(export.status == 0 && export.out.contains("2 sessions"), "\(export.out)\(export.err)")
        #expect(try stage.there("ingest", "--json", stage.bundle).status == 0)
        let sessions = try stage.there("sessions", "--json").objects
        #expect(Set(sessions.compactMap { $0["tag"] as? String }) == ["1.0", "1.1"] && sessions.count == 2)
        let top = try stage.there("crashes", "top", "--json").objects
        #expect(top.count == 1 && top.first?["signature"] as? String == "weapon_damage")
        let none = try stage.crash.salvage("export", "--signature", "nothing", "--bundle", "--to", stage.bundle + "2")
        #expect(none.status == 1 && none.err.contains("no crash has this signature"), "\(none.err)")
        let missing = try stage.crash.salvage("export", "--signature", "weapon_*", "--to", stage.bundle + "2")
        #expect(missing.status == 64 && missing.err.contains("--bundle"), "\(missing.err)")
    }

    @Test func rulesApplyOnTheWayOut() throws {
        let stage = try Stage()
        try stage.addCrashed("s-1", log: "join token=secret-42\n")
        let config = stage.scratch.path("salvage.yaml")
        try "store: \(stage.crash.store)\nredact: ['secret-\\d+']\n".write(
            toFile: config, atomically: true, encoding: .utf8)
        let words = ["--config", config, "export", "s-1", "--redact", "--bundle=folder", "--to"]
        let strict = try Program.run(words + [stage.scratch.path("strict")])
        #expect(strict.status == 0 && strict.out.contains("redacted 1 place\n"), "\(strict.out)\(strict.err)")
        #expect(strict.out.contains("1 dump or binary file was left out"), "\(strict.out)")
        #expect(try shell("grep -r secret- '\(stage.scratch.path("strict"))'").status == 1)
        let stored = stage.scratch.path("strict/sessions/s-1/stored/Saved")
        #expect(try String(contentsOfFile: stored + "/Logs/Game.log", encoding: .utf8) == "join token=[redacted]\n")
        #expect(!FileManager.default.fileExists(atPath: stored + "/crash.dump"))
        let loose = try Program.run(words + [stage.scratch.path("loose"), "--with-dumps"])
        #expect(loose.status == 0, "\(loose.err)")
        #expect(
            FileManager.default.fileExists(atPath: stage.scratch.path("loose/sessions/s-1/stored/Saved/crash.dump")))
        // A redacted bundle comes in, without what was left out.
        let ingest = try stage.there("ingest", stage.scratch.path("strict"))
        #expect(ingest.status == 0, "\(ingest.out)\(ingest.err)")
        let bare = try stage.crash.salvage("export", "s-1", "--redact", "--bundle", "--to", stage.bundle)
        #expect(bare.status == 64 && bare.err.contains("no redaction rules"), "\(bare.err)")
    }

    @Test func hostileNamesStayNames() throws {
        let stage = try Stage()
        #expect(try stage.crash.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        let folder = stage.scratch.path("in/Saved")
        let name = "it's $(touch owned) `touch owned` \"x\";%41 \\.dump"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: try stage.crash.core("a", "weapon"), toPath: folder + "/" + name)
        try shell("cd '\(folder)' && printf x > \"$(printf 'bad\\377\\033[31m')\" && ln -s /etc/passwd link")
        let session = "../../etc/$(touch owned)"
        #expect(try stage.crash.ingest(session, tag: "1.0", folder).status == 0)
        let export = try stage.crash.salvage("export", session, "--bundle", "--to", stage.bundle)
        try #require(export.status == 0, "\(export.err)")
        let names = try shell("tar -tzf \(stage.bundle)").out
        #expect(!names.split { $0 == "/" || $0 == "\n" }.contains(".."), "\(names)")
        if CrashStage.has("gdb") {
            let run = try shell(
                """
                cd \(stage.scratch.url.path) && tar -xzf ticket.tar.gz && cd ticket/sessions/* \
                && ./gdb.sh -batch -ex bt 2>&1; ls -R \(stage.scratch.url.path)
                """)
            #expect(run.out.contains("weapon_damage") && !run.out.contains("\nowned\n"), "\(run.out)")
        }
        let ingest = try stage.there("ingest", stage.bundle)
        #expect(ingest.status == 0, "\(ingest.out)\(ingest.err)")
        #expect(try stage.members(stage.other, session) == stage.members(stage.crash.store, session))
        #expect(try stage.stacks(stage.other) == stage.stacks(stage.crash.store))
    }

    @Test func aTruncatedBundleIsReadAsFarAsItGoesAndSaysSo() throws {
        let stage = try Stage()
        for session in ["s-1", "s-2"] { try stage.addCrashed(session) }
        #expect(try stage.crash.salvage("export", "s-1", "s-2", "--bundle", "--to", stage.bundle).status == 0)
        let cut = stage.scratch.path("cut.tar.gz")
        try shell("head -c $(($(stat -c %s '\(stage.bundle)') * 3 / 4)) '\(stage.bundle)' > '\(cut)'")
        let ingest = try stage.there("ingest", "--json", cut)
        #expect(ingest.status == 3, "\(ingest.out)\(ingest.err)")
        #expect(ingest.objects.first?["verdict"] as? String == "incomplete", "\(ingest.out)")
        #expect(ingest.err.contains("bundle_incomplete"), "\(ingest.err)")
        #expect(try stage.there("verify").status == 0)
        #expect(try stage.there("sessions").out.contains("s-1"))
        // The whole bundle mends it.
        #expect(try stage.there("ingest", stage.bundle).status == 0)
        #expect(try stage.facts(stage.other).count == 2)
    }

    @Test func whatIsNoBundleIsRefused() throws {
        let stage = try Stage()
        let work = stage.scratch.path("work")
        func pack(_ index: String, _ session: String = "{}") throws -> String {
            try shell("rm -rf '\(work)' && mkdir -p '\(work)/sessions/s/stored'")
            try index.write(toFile: work + "/bundle.json", atomically: true, encoding: .utf8)
            try session.write(toFile: work + "/sessions/s/session.json", atomically: true, encoding: .utf8)
            try "x\n".write(toFile: work + "/sessions/s/stored/a.log", atomically: true, encoding: .utf8)
            return work
        }
        let good = #"{"format":"salvage-bundle","version":1,"sessions":[{"session":"s","folder":"s"}]}"#
        let refusals = [
            ("{", "is not JSON"), ("{}", "does not list sessions"),
            (good.replacing(":1,", with: ":2,"), "a later version"),
            (good.replacing(#""session":"s","#, with: ""), "without id or folder"),
        ]
        for (index, words) in refusals {
            let outcome = try stage.there("ingest", try pack(index))
            #expect(outcome.status == 2 && outcome.err.contains(words), "\(index): \(outcome.err)")
        }
        for (session, words) in [
            ("[]", "is not a JSON object"), (#"{"session":"other"}"#, "describes another session"),
            (#"{"session":"s","tag":7}"#, "not a string"), (#"{"session":"s","created":"soon"}"#, "not a time"),
        ] {
            let outcome = try stage.there("ingest", try pack(good, session))
            #expect(outcome.status == 3 && outcome.err.contains(words), "\(session): \(outcome.err)")
        }
        let lost = try stage.there("ingest", try pack(good.replacing(#""folder":"s""#, with: #""folder":"../../etc""#)))
        #expect(lost.status == 3 && lost.err.contains("does not describe it"), "\(lost.err)")
        let fine = try stage.there("ingest", try pack(good, #"{"session":"s","members":[{"file":7},[],"x"]}"#))
        #expect(fine.status == 0, "\(fine.out)\(fine.err)")
        // A bundle does not change what the store knows.
        _ = try stage.there("ingest", try pack(good, #"{"session":"s","image":"arena","tag":"1"}"#))
        let forged = try stage.there("ingest", try pack(good, #"{"session":"s","image":"x","tag":"2","host":"h"}"#))
        #expect(forged.status == 3 && forged.err.contains("another image, tag of the session"), "\(forged.err)")
        let shown = try #require(try stage.there("sessions", "--json").objects.first)
        #expect(shown["image"] as? String == "arena" && shown["tag"] as? String == "1", "\(shown)")
        let text = stage.scratch.path("server.c")
        let other = try stage.there("ingest", text)
        #expect(
            other.status == 2 && other.err.contains("not a bundle") && other.err.contains("--session"), "\(other.err)")
    }

    @Test func symbolsOfABundleAreAddedUnlessTheyAreNotWanted() throws {
        let stage = try Stage()
        #expect(try stage.crash.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        try stage.addCrashed("s-1")
        #expect(try stage.crash.salvage("export", "s-1", "--bundle", "--to", stage.bundle).status == 0)
        #expect(try stage.there("ingest", "--no-symbols", stage.bundle).status == 0)
        #expect(try stage.there("symbols", "list").status == 1)
        #expect(try stage.there("ingest", stage.bundle).status == 0)
        #expect(try stage.there("symbols", "list").status == 0)
        #expect(try stage.stacks(stage.other) == stage.stacks(stage.crash.store))
    }
}
