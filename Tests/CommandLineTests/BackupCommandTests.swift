import Foundation
import Glibc
import Sandbox
import Testing

extension ServerSuites {
    /// `backup` and `restore` with the real program.
    @Suite(.serialized) struct BackupCommandTests {
        private func salvage(_ store: String, _ arguments: [String]) throws -> Program.Outcome {
            try Program.run(arguments, environment: ["SALVAGE_STORE": store])
        }

        private func ingest(_ session: String, tag: String, _ text: String, into store: String, _ scratch: Scratch)
            throws
        {
            let log = scratch.path("console.log")
            try text.write(toFile: log, atomically: true, encoding: .utf8)
            let outcome = try salvage(store, ["ingest", "--session", session, "--image", "arena", "--tag", tag, log])
            try #require(outcome.status == 0, "\(outcome.err)")
        }

        /// Links in the spool lead nowhere; packs behind a link to another disk are the store's all the same.
        @Test func linksAreFollowedWhereTheStoreHasThemOnly() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = scratch.path("backups")
            try ingest("a", tag: "1", "needle a\n", into: store, scratch)
            try shell(
                """
                mkdir \(scratch.path("victim")) && echo secret > \(scratch.path("victim/secret"))
                mkdir -p \(store)/spool && ln -s \(scratch.path("victim")) \(store)/spool/evil
                mv \(store)/packs/2* \(scratch.path("disk")) && ln -s \(scratch.path("disk")) \(store)/packs/$(date -u +%Y)
                """)
            let made = try salvage(store, ["backup", backups])
            #expect(made.status == 3 && made.err.contains("spool/evil"), "\(made.out)\(made.err)")
            #expect(try shell("grep -r secret \(backups)").out == "")
            // Both uses of the backup report what it lacks.
            for use in [["backup", backups, "--verify"], ["restore", backups]] {
                let outcome = try salvage(scratch.path("other"), use)
                #expect(outcome.status == 3 && outcome.err.contains("spool/evil"), "\(outcome.err)")
            }
            #expect(try salvage(scratch.path("other"), ["cat", "a", "console.log"]).out == "needle a\n")
            #expect(try shell("cat \(scratch.path("victim/secret"))").out == "secret\n")
        }

        /// A store with everything that a store can contain: crashes and symbols, pins, a pruned and a lost session, followed
        /// logs, downloads without a pack, quarantine.
        private func fill(_ store: String, _ scratch: Scratch) async throws {
            let lines = (0..<40).map { "2026-11-20T10:00:\(10 + $0 % 40)Z LogNet: needle \($0)" }.joined(
                separator: "\n")
            try ingest("plain-1", tag: "1.0", lines + "\n", into: store, scratch)
            try ingest(
                "crash-1", tag: "1.0",
                lines + "\nthread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nstack backtrace:\n",
                into: store,
                scratch)
            try ingest("pruned-1", tag: "dev-1", lines + "\n", into: store, scratch)
            #expect(try salvage(store, ["pin", "plain-1"]).status == 0)
            #expect(try salvage(store, ["prune", "--older-than", "0s", "--tag", "dev-*"]).status == 0)
            if CrashStage.possible {
                let stage = try CrashStage()
                let core = try stage.core("a", "weapon")
                #expect(
                    try salvage(store, ["ingest", "--session", "core-1", "--tag", "1.1", core]).status == 0)
                #expect(try salvage(store, ["symbols", "add", stage.scratch.path("a/server.full")]).status == 0)
            }
            try await lose("gone-1", store, scratch)
            try shell(
                """
                cd '\(store)' && mkdir -p live/followed spool/waiting spool/.quarantine/bad \
                && echo '{}' > live/followed/session.json && echo tail > live/followed/0.0.tail \
                && echo '{}' > spool/waiting/session.json && echo part > spool/waiting/%2Fgame.17.part \
                && echo hostile > spool/.quarantine/bad/0-x && chmod -R go= live spool
                """)
        }

        /// A session whose container is gone before its log was fetched: it has no pack.
        private func lose(_ id: String, _ store: String, _ scratch: Scratch) async throws {
            let images = scratch.path("images/g/1")
            try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
            try shell("printf '#!/bin/sh\\nexec sleep 60\\n' > \(images)/run; chmod +x \(images)/run")
            try "{\"executable\":\"run\"}".write(toFile: images + "/image.json", atomically: true, encoding: .utf8)
            let server = try SandboxServer(
                SandboxConfiguration(images: scratch.path("images"), root: scratch.path("sessions")))
            let environment = [
                "SALVAGE_STORE": store, "SALVAGE_API_URL": try await server.start(), "GAMEYE_API_TOKEN": "sandbox",
            ]
            func run(_ arguments: String...) throws -> Program.Outcome {
                try Program.run(arguments, environment: environment)
            }
            #expect(
                try run("api", "session-run", "--id", id, "--image", "g", "--version", "1", "--location", "europe")
                    .status
                    == 0)
            #expect(try run("harvest").status == 0)
            #expect(try run("api", "session-stop", id).status == 0)
            for _ in 0..<100 where try run("--json", "api", "session-list").objects.isEmpty == false {
                try await Task.sleep(for: .milliseconds(100))
            }
            server.removeContainer(id)
            #expect(try run("harvest").status == 3)
            await server.stop()
        }

        /// The output of every query about a store.
        private func answers(_ store: String) throws -> [String: String] {
            var questions = [
                "sessions", "sessions --json", "coverage", "coverage --json", "crashes", "crashes --json",
                "crashes top", "crashes top --json", "crashes diff 1.0 1.1", "grep -c needle", "grep panicked",
                "symbols list", "symbols missing", "pin", "prune --dry-run --older-than 0s --json", "verify",
                "reindex --help",
            ]
            let sessions = try salvage(store, ["sessions", "--json"]).objects.compactMap { $0["session"] as? String }
            for session in sessions {
                questions += [
                    "show \(session)", "why \(session)", "why --json \(session)", "files --json \(session)",
                    "logs \(session)", "cat \(session) console.log",
                ]
            }
            let crashes = try salvage(store, ["crashes", "--json"]).objects.compactMap { $0["crash"] as? String }
            questions += crashes.map { "crash --json \($0)" }
            return try questions.reduce(into: [:]) { answers, question in
                let outcome = try salvage(store, question.split(separator: " ").map(String.init))
                let said = "\(outcome.status)\n\(outcome.out)\n\(outcome.err)"
                answers[question] = said.replacingOccurrences(of: store, with: "STORE")
            }
        }

        /// Every file with its content.
        private func content(_ store: String) throws -> String {
            try shell(
                """
                cd '\(store)' && find . -type f ! -name lock ! -name 'catalog.sqlite*' ! -path './spool/.new/*' \
                -exec sha256sum {} + | sort -k2
                """
            ).out
        }

        @Test func aRestoredStoreAnswersEveryQuestionAsTheFirstOneDid() async throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = scratch.path("backups")
            try await fill(store, scratch)
            let before = try answers(store)
            #expect(before["sessions"]?.contains("pruned") == true, "\(before["sessions"] ?? "")")
            #expect(before["sessions"]?.contains("lost") == true)
            #expect(before["pin"]?.contains("plain-1") == true)

            let made = try salvage(store, ["backup", backups, "--json"])
            #expect(made.status == 0, "\(made.out)\(made.err)")
            let again = try salvage(store, ["backup", backups, "--json"])
            #expect(again.status == 0, "\(again.err)")
            let second = try #require(again.objects.first)
            #expect(second["copied"] as? Int == 0, "what has not changed is not copied again: \(second)")
            #expect((second["unchanged"] as? Int ?? 0) > 5, "\(second)")
            #expect(try salvage(store, ["backup", backups, "--verify"]).status == 0)

            let other = scratch.path("other")
            let restored = try salvage(other, ["restore", backups])
            #expect(restored.status == 0, "\(restored.out)\(restored.err)")
            let after = try answers(other)
            for (question, answer) in before { #expect(after[question] == answer, "\(question)") }
            #expect(try content(other) == content(store))
            let modes = try shell("find \(other) ! -perm 600 -type f -o ! -perm 700 -type d").out
            #expect(modes == "", "\(modes)")
            // A backup can be queried as a store.
            let name = try #require(second["backup"] as? String)
            #expect(try salvage(name, ["show", "plain-1"]).status == 0)
            #expect(try salvage(store, ["backup", backups, "--verify"]).status == 0)

            // The disk of the store is lost: what was linked to it stays.
            try FileManager.default.removeItem(atPath: store)
            #expect(try salvage(store, ["backup", backups, "--verify"]).status == 0)
            #expect(try salvage(store, ["restore", name]).status == 0)
            #expect(try answers(store) == before)
        }

        @Test func aBackupToAnotherDiskIsACopy() throws {
            guard let shm = try? FileManager.default.attributesOfFileSystem(forPath: "/dev/shm"),
                let tmp = try? FileManager.default.attributesOfFileSystem(forPath: NSTemporaryDirectory()),
                shm[.systemNumber] as? Int != tmp[.systemNumber] as? Int, access("/dev/shm", W_OK) == 0
            else {
                print("skipped: there is no second file system at /dev/shm")
                return
            }
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = "/dev/shm/salvage-test-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: backups) }
            try ingest("a", tag: "1", "one\n", into: store, scratch)
            let first = try #require(try salvage(store, ["backup", backups, "--json"]).objects.first)
            #expect(first["linked"] as? Int == 0 && (first["copied"] as? Int ?? 0) > 0, "\(first)")
            #expect(first["same_disk"] as? Bool == false && first["missing"] as? Int == 0)
            try ingest("b", tag: "1", "two\n", into: store, scratch)
            let second = try #require(try salvage(store, ["backup", backups, "--json"]).objects.first)
            #expect((second["unchanged"] as? Int ?? 0) > 0, "\(second)")
            #expect(try salvage(scratch.path("other"), ["restore", backups]).status == 0)
            #expect(try answers(scratch.path("other")) == answers(store))
        }

        @Test func backupsBesideWritersAreEachConsistent() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = scratch.path("backups")
            try ingest("s-0", tag: "1", "needle 0\n", into: store, scratch)
            let script = """
                for i in $(seq 1 25); do
                  echo "needle $i" > \(scratch.path("w.log"))
                  '\(Program.salvage.path)' ingest --session s-$((i % 9)) --tag $((i % 3)) --quiet \(scratch.path("w.log"))
                  [ $((i % 6)) -ne 0 ] || '\(Program.salvage.path)' prune --older-than 0s --tag 2 --quiet
                done
                """
            let writer = Process()
            writer.executableURL = URL(fileURLWithPath: "/bin/sh")
            writer.arguments = ["-c", script]
            writer.environment = ["PATH": "/usr/bin:/bin", "SALVAGE_STORE": store, "SWIFT_BACKTRACE": "enable=no"]
            writer.standardInput = FileHandle.nullDevice
            try writer.run()
            var names: [String] = []
            repeat {
                let made = try salvage(store, ["backup", backups, "--json"])
                #expect(made.status == 0, "\(made.out)\(made.err)")
                if let name = made.objects.first?["backup"] as? String { names.append(name) }
            } while writer.isRunning && names.count < 12
            writer.waitUntilExit()
            #expect(writer.terminationStatus == 0)
            for (index, name) in names.enumerated() {
                let copy = scratch.path("copy-\(index)")
                let restored = try salvage(copy, ["restore", name])
                #expect(restored.status == 0, "\(restored.err)")
                let verified = try salvage(copy, ["verify"])
                #expect(verified.status == 0, "\(verified.out)\(verified.err)")
                for row in try salvage(copy, ["sessions", "--json"]).objects where row["pack"] != nil {
                    let session = row["session"] as? String ?? ""
                    #expect(try salvage(copy, ["files", session]).status == 0, "\(session) in \(name)")
                }
            }
        }

        @Test func anInterruptedBackupIsNoneAndIsTakenUp() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = scratch.path("backups")
            for name in ["a", "b", "c"] { try ingest(name, tag: "1", "needle \(name)\n", into: store, scratch) }
            #expect(try salvage(store, ["backup", backups]).status == 0)
            // What a kill before the last step leaves: everything but the list, one file half written, one that is gone
            // from the store since.
            try shell(
                """
                cd \(backups) && mv 2* .partial && rm .partial/backup.jsonl && touch .partial/packs/old.pack \
                && f=$(find .partial/packs -name b.pack) && rm $f && printf x > $f
                """)
            let none = try salvage(scratch.path("other"), ["restore", backups])
            #expect(none.status == 2 && none.err.contains("no complete backup"), "\(none.err)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path("other")))
            #expect(try salvage(store, ["backup", backups]).status == 0)
            #expect(!FileManager.default.fileExists(atPath: backups + "/.partial"))
            #expect(try shell("find \(backups) -name old.pack").out == "")
            #expect(try salvage(scratch.path("other"), ["restore", backups]).status == 0)
            #expect(try answers(scratch.path("other")) == answers(store))

            // A list that is cut off is no list.
            try shell("cd \(backups)/2* && head -c 300 backup.jsonl > x && mv x backup.jsonl")
            let cut = try salvage(scratch.path("third"), ["restore", backups])
            #expect(cut.status == 2 && cut.err.contains("truncated or was changed"), "\(cut.err)")
        }

        @Test func anInterruptedRestoreIsTakenUpAndKeepsHarvestsOut() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = scratch.path("backups")
            let other = scratch.path("other")
            for name in ["a", "b"] { try ingest(name, tag: "1", "needle \(name)\n", into: store, scratch) }
            #expect(try salvage(store, ["backup", backups]).status == 0)
            #expect(try salvage(other, ["restore", backups]).status == 0)
            // As after a kill: the mark is there, the catalog is not, a pack is half written.
            try shell(
                """
                cd \(other) && rm catalog.sqlite && printf '%s' "$(realpath \(backups)/2*)" > .restoring \
                && printf x > $(find packs -name a.pack)
                """)
            let log = scratch.path("x.log")
            try "x\n".write(toFile: log, atomically: true, encoding: .utf8)
            // No command creates a catalog or suggests one that would.
            for command in [
                ["ingest", "--session", "x", log], ["sessions"], ["reindex"], ["prune", "--older-than", "1d"],
                ["verify"], ["harvest"],
            ] {
                let refused = try Program.run(
                    command, environment: ["SALVAGE_STORE": other, "GAMEYE_API_TOKEN": "sandbox"])
                let said = refused.err
                #expect(said.contains("restore") && !said.contains("reindex"), "\(command): \(said)")
                #expect(refused.status == 75 || command == ["verify"], "\(command): \(refused.status)")
                #expect(!FileManager.default.fileExists(atPath: other + "/catalog.sqlite"), "\(command)")
            }
            // A new backup was made meanwhile, and a catalog was created: the same command continues.
            let before = try answers(store)
            try ingest("c", tag: "1", "needle c\n", into: store, scratch)
            #expect(try salvage(store, ["backup", backups]).status == 0)
            try shell("cp \(store)/catalog.sqlite \(other)/catalog.sqlite")
            let resumed = try salvage(other, ["restore", backups])
            #expect(resumed.status == 0 && resumed.err.contains("catalog.sqlite.damaged-"), "\(resumed.err)")
            #expect(try answers(other) == before)
            #expect(try salvage(other, ["ingest", "--session", "x", log]).status == 0)
        }

        @Test func damageAndMistakesAreNamedAndNothingIsWrittenOver() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let backups = scratch.path("backups")
            for name in ["a", "b"] { try ingest(name, tag: "1", "needle \(name)\n", into: store, scratch) }
            let inside = try salvage(store, ["backup", store + "/backups"])
            #expect(inside.status == 64, "\(inside.err)")
            #expect(!FileManager.default.fileExists(atPath: store + "/backups"))
            #expect(try salvage(store, ["backup", scratch.url.path]).status == 64)
            #expect(try salvage(scratch.path("nothing"), ["backup", backups]).status == 2)
            #expect(try salvage(store, ["backup", backups]).status == 0)

            let before = Scratch.listing(store)
            let occupied = try salvage(store, ["restore", backups])
            #expect(occupied.status == 2 && occupied.err.contains("not empty"), "\(occupied.err)")
            #expect(Scratch.listing(store) == before)

            let lock = open(backups + "/lock", O_RDWR)
            #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
            #expect(try salvage(store, ["backup", backups]).status == 75)
            close(lock)

            // A flipped byte in a backup's own copy of a pack, and a file that is missing.
            try shell(
                """
                cd \(backups)/2* && f=$(find packs -name a.pack) && cp $f x && printf '\\377' | dd of=x bs=1 seek=20 \
                conv=notrunc && mv x $f && rm $(find packs -name b.pack)
                """)
            let checked = try salvage(store, ["backup", backups, "--verify"])
            #expect(checked.status == 3 && checked.err.contains("a.pack") && checked.err.contains("b.pack"))
            let restored = try salvage(scratch.path("other"), ["restore", backups])
            #expect(restored.status == 3 && restored.err.contains("a.pack is damaged"), "\(restored.err)")
            #expect(try salvage(scratch.path("other"), ["show", "a"]).status == 0)
            #expect(try salvage(store, ["verify"]).status == 0)

            // The next backup takes the store's files instead of the damaged copies.
            #expect(try salvage(store, ["backup", backups, "--keep", "1", "--dry-run"]).out.contains("would remove"))
            #expect(try shell("ls \(backups)").out.split(separator: "\n").count == 2)
            #expect(try salvage(store, ["backup", backups, "--keep", "1"]).status == 0)
            #expect(try shell("ls \(backups)").out.split(separator: "\n").count == 2)
        }
    }
}
