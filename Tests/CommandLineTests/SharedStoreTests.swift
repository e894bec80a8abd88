import Foundation
import Testing

extension ServerSuites {
    /// Commands on a shared store, with real PostgreSQL and a real S3 server: the same answers as a store in a folder gives,
    /// and refusals that say what is wrong.
    @Suite(.serialized, .enabled(if: SharedStoreStage.isPossible, SharedStoreStage.advice)) struct SharedStoreTests {
        private static let queries: [[String]] = [
            ["sessions"], ["sessions", "--crashed"], ["sessions", "--tag", "1.*", "--label", "mode=m1"],
            ["sessions", "--since", "2026-11-20T12:00:00Z", "--limit", "2"], ["show", "raid-1"], ["show", "duel-1"],
            ["why", "lobby"], ["coverage"], ["coverage", "--all"],
            ["sessions", "--state", "harvested"], ["crashes"], ["crashes", "--image", "raid"],
            ["crashes", "top"], ["crashes", "builds"], ["crashes", "diff", "1.0", "1.1"], ["crashes", "decisions"],
            ["crash"], ["files", "duel-1"], ["files", "raid-2", "*.log"], ["files", "lobby", "--kind", "binary"],
            ["grep", "needle-3-17", "--sort", "path"], ["grep", "player 7", "--sort", "time", "-m3"],
            ["grep", "-C1", "panicked", "--image", "raid", "--sort", "path"], ["grep", "no such line"],
            ["logs", "duel-2"], ["logs", "duel-2", "-g", "needle-1-2"], ["pin"],
            ["symbols", "list"], ["symbols", "missing"], ["notify", "list"],
        ]

        private func comparable(_ outcome: Program.Outcome) -> String { SharedStoreStage.comparable(outcome) }

        @Test func everyQueryAnswersAsInAFolder() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            for query in Self.queries {
                let (expected, found) = (try stage.embedded(query + ["--json"]), try stage.shared(query + ["--json"]))
                #expect([0, 1, 3].contains(expected.status), "\(query): \(expected.err)")
                let difference = SharedStoreStage.difference(comparable(found), comparable(expected))
                #expect(difference == nil, "\(query): \(found.err)")
                #expect(found.err.isEmpty == expected.err.isEmpty, "\(query): \(found.err)\(expected.err)")
            }
        }

        /// What has no JSON form, and orders that no flag asks for.
        @Test func countsAndNamesAreThoseOfAFolder() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            for query in [["grep", "-c", "player 7"], ["grep", "-l", "panicked"], ["grep", "needle-3-17"]] {
                let (expected, found) = (try stage.embedded(query), try stage.shared(query))
                #expect(expected.status == 0 && !expected.out.isEmpty, "\(expected.err)")
                #expect(found.status == 0, "\(found.err)")
                #expect(found.out.split(separator: "\n").sorted() == expected.out.split(separator: "\n").sorted())
            }
        }

        @Test func membersHaveTheSameBytes() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            for (member, original) in [("Saved/Logs/Game é.log", "Logs/Game é.log"), ("state.bin", "state.bin")] {
                let keys = SharedStoreStage.keys.map { "\($0)=\($1)" }.joined(separator: " ")
                let config = stage.scratch.path("shared.yaml")
                for store in ["--store '\(stage.folder)'", "--config '\(config)'"] {
                    let same = try shell(
                        "\(keys) '\(Program.salvage.path)' cat duel-1 '\(member)' \(store) "
                            + "| cmp - '\(stage.scratch.path("in-0/Saved/\(original)"))' && echo same")
                    #expect(same.out == "same\n", "\(member) \(store)")
                }
            }
            let folders = [stage.scratch.path("from-folder"), stage.scratch.path("from-bucket")]
            #expect(try stage.embedded(["export", "raid-1", "--to", folders[0]]).status == 0)
            #expect(try stage.shared(["export", "raid-1", "--to", folders[1]]).status == 0)
            #expect(!Scratch.listing(folders[0]).isEmpty)
            #expect(Scratch.listing(folders[1]) == Scratch.listing(folders[0]))
            // When a file was ingested is the only difference, and only the metadata have it.
            let metadata = try folders.map {
                SharedStoreStage.withoutOwnTimes(
                    try String(contentsOfFile: $0 + "/salvage-metadata.json", encoding: .utf8))
            }
            #expect(metadata[1] == metadata[0])
            #expect(try shell("diff -r -x salvage-metadata.json '\(folders[0])' '\(folders[1])'").out == "")
        }

        @Test func anEngineerNeedsTheCatalogsAddressOnly() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            let environment = SharedStoreStage.keys.merging([
                "SALVAGE_STORE": stage.address, "XDG_CACHE_HOME": stage.scratch.path("xdg"),
            ]) { $1 }
            let query = ["grep", "needle-3-17", "--json", "--sort", "path"]
            let found = try Program.run(query, environment: environment)
            #expect(found.status == 0, "\(found.err)")
            #expect(comparable(found) == comparable(try stage.embedded(query)))
            let flag = try Program.run(
                ["sessions", "--json", "--store", stage.address],
                environment: environment.filter { $0.key != "SALVAGE_STORE" })
            #expect(flag.objects.count == SharedStoreStage.sessions.count, "\(flag.err)")
        }

        @Test func upkeepWorks() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            for arguments in [["verify"], ["verify", "--quick"], ["verify", "--sample", "100%"], ["reindex"]] {
                let outcome = try stage.shared(arguments + ["--json"])
                #expect(outcome.status == 0, "\(arguments): \(outcome.out)\(outcome.err)")
            }
            let status = try #require(try stage.shared(["status", "--json"]).objects.first)
            #expect(status["packs"] as? Int == SharedStoreStage.sessions.count)
            #expect((status["store"] as? String)?.contains(stage.database) == true)
            #expect(status["fleet"] is [String: Any])
            #expect(status["catalog_bytes"] == nil)
            let pruned = try stage.shared(["prune", "--json", "--session", "lobby", "--older-than", "1d"])
            #expect(pruned.status == 0, "\(pruned.err)")
            let after = try #require(try stage.shared(["status", "--json"]).objects.first)
            #expect(after["packs"] as? Int == SharedStoreStage.sessions.count - 1)
            #expect((after["fleet"] as? [String: Any])?["garbage"] as? Int == 1)
            // The object is still in the bucket, and neither of these takes it for a pack of the session.
            #expect(try stage.shared(["verify", "--quick"]).status == 0)
            #expect(try stage.shared(["reindex"]).status == 0)
            #expect(try stage.shared(["files", "lobby"]).status == 1)
        }

        @Test func doctorSaysWhatItFound() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            let outcome = try stage.shared(["doctor", "--json"])
            let findings = outcome.objects
            let messages = findings.compactMap { $0["message"] as? String }
            #expect(messages.contains { $0.contains("PostgreSQL 1") }, "\(outcome.out)\(outcome.err)")
            #expect(messages.contains { $0.contains("for a round trip") })
            let bucket = findings.filter { ($0["check"] as? String)?.hasPrefix("bucket") == true }
            for check in ["bucket_list", "bucket_write", "bucket_read", "bucket_ranges", "bucket_delete"] {
                let results = bucket.filter { $0["check"] as? String == check }.compactMap { $0["result"] as? String }
                #expect(results == ["ok"], "\(check)")
            }
            #expect(!outcome.out.contains("salvage-secret-key"))
            let offline = try stage.shared(["doctor", "--offline", "--json"])
            #expect(!offline.objects.isEmpty)
            #expect(!offline.objects.contains { ($0["check"] as? String)?.hasPrefix("bucket") == true })
        }

        @Test func aRoleThatOnlyReadsAsksEverythingAndChangesNothing() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            try stage.makeReader()
            for query in Self.queries {
                let (expected, found) = (
                    try stage.embedded(query + ["--json"]), try stage.shared(query + ["--json"], config: "reader.yaml")
                )
                let difference = SharedStoreStage.difference(comparable(found), comparable(expected))
                #expect(difference == nil, "\(query): \(found.err)")
            }
            for change in [
                ["ingest", "--session", "late", stage.scratch.path("in-0")], ["pin", "lobby"],
                ["prune", "--session", "lobby", "--older-than", "1d"],
            ] {
                let outcome = try stage.shared(change + ["--json"], config: "reader.yaml")
                #expect(outcome.status != 0, "\(change)")
                #expect(
                    outcome.err.contains("catalog_read_only") || outcome.err.contains("right"),
                    "\(change): \(outcome.err)")
            }
            #expect(try stage.shared(["sessions", "--json"]).objects.count == SharedStoreStage.sessions.count)
        }

        // MARK: Refusals

        /// The code of the error that a command printed.
        private func code(_ outcome: Program.Outcome) -> String? {
            outcome.err.split(separator: "\n").compactMap {
                ((try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any])?["code"] as? String
            }.last
        }

        @Test func aPasswordIsRefusedWhereOthersSeeIt() throws {
            let stage = try SharedStoreStage()
            let secret = "postgres://salvage:hunter2@127.0.0.1:1/salvage"
            let flag = try Program.run(["sessions", "--json", "--store", secret])
            #expect(flag.status == 64 && code(flag) == "invalid_configuration", "\(flag.err)")
            for mode in [0o644, 0o640] {
                try stage.configure("open.yaml", catalog: secret, mode: mode)
                let open = try stage.shared(["sessions", "--json"], config: "open.yaml")
                #expect(open.status == 64 && open.err.contains("~/.pgpass"), "\(open.err)")
                #expect(!open.err.contains("hunter2"))
            }
            let environment = ["SALVAGE_STORE": secret, "XDG_CACHE_HOME": stage.scratch.path("xdg")]
            for arguments in [["sessions"], ["sessions", "--json"], ["doctor"], ["status"]] {
                let outcome = try Program.run(arguments, environment: environment)
                #expect(outcome.status != 0)
                #expect(!(outcome.out + outcome.err).contains("hunter2"), "\(arguments)")
            }
            #expect(!(flag.out + flag.err).contains("hunter2"))
        }

        @Test func aDatabaseThatCannotBeReachedIsNamed() throws {
            let stage = try SharedStoreStage()
            try stage.configure("away.yaml", catalog: "postgres://salvage@127.0.0.1:1/salvage", cache: "away")
            for arguments in [["sessions"], ["grep", "x"], ["ingest", "--session", "s", stage.scratch.path("in-0")]] {
                try FileManager.default.createDirectory(
                    atPath: stage.scratch.path("in-0"), withIntermediateDirectories: true)
                let outcome = try stage.shared(arguments + ["--json"], config: "away.yaml")
                #expect(outcome.status == 2 || outcome.status == 75, "\(arguments): \(outcome.err)")
                #expect(outcome.err.contains("127.0.0.1"), "\(outcome.err)")
            }
        }

        @Test func aBucketThatCannotBeReachedLeavesWhatNeedsNoPack() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            let moved = try shell(
                "psql -XAtq -d '\(stage.address)' -c \"UPDATE meta SET endpoint = 'http://127.0.0.1:1'\"")
            try #require(moved.status == 0)
            try stage.configure("away.yaml", endpoint: "http://127.0.0.1:1", cache: "away")
            let sessions = try stage.shared(["sessions", "--json"], config: "away.yaml")
            #expect(sessions.objects.count == SharedStoreStage.sessions.count, "\(sessions.err)")
            let files = try stage.shared(["files", "duel-1", "--json"], config: "away.yaml")
            #expect(files.status != 0 && files.status != 1, "\(files.err)")
            #expect(code(files) == "pack_unreadable", "\(files.err)")
        }

        @Test func aMissingBucketIsNamed() throws {
            let stage = try SharedStoreStage()
            try stage.configure("shared.yaml", packs: "s3://salvage-no-such-bucket/x")
            let input = stage.scratch.path("in")
            try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
            try "line\n".write(toFile: input + "/a.log", atomically: true, encoding: .utf8)
            let outcome = try stage.shared(["ingest", "--session", "s", "--json", input])
            #expect(outcome.status == 64 && code(outcome) == "bucket_invalid", "\(outcome.err)")
            #expect(outcome.err.contains("there is no bucket salvage-no-such-bucket"), "\(outcome.err)")
            #expect(outcome.err.contains("create the bucket salvage-no-such-bucket"), "\(outcome.err)")
            #expect(!outcome.err.contains("disk"), "\(outcome.err)")
        }

        @Test func anotherBucketThanTheRecordedOneIsRefused() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            try stage.configure("other.yaml", packs: "s3://\(SharedStoreStage.bucket)/elsewhere", cache: "other")
            let outcome = try stage.shared(["sessions", "--json"], config: "other.yaml")
            #expect(code(outcome) == "bucket_differs", "\(outcome.err)")
            #expect(outcome.err.contains("elsewhere") && outcome.err.contains(stage.database))
        }

        @Test func aFolderThatOthersReadOrOfAnotherStoreIsRefused() throws {
            let stage = try SharedStoreStage()
            try stage.fill()
            chmod(stage.scratch.path("cache"), 0o755)
            let open = try stage.shared(["sessions", "--json"])
            #expect(code(open) == "cache_refused", "\(open.err)")
            chmod(stage.scratch.path("cache"), 0o700)
            #expect(try stage.shared(["sessions", "--json"]).status == 0)
            let other = try SharedStoreStage()
            try other.configure("shared.yaml", cache: "../" + stage.scratch.url.lastPathComponent + "/cache")
            let input = other.scratch.path("in")
            try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
            try "line\n".write(toFile: input + "/a.log", atomically: true, encoding: .utf8)
            let foreign = try other.shared(["ingest", "--session", "s", "--json", input])
            #expect(code(foreign) == "cache_refused", "\(foreign.err)")
        }

        @Test func backupAndRestoreSayWhatToUse() throws {
            let stage = try SharedStoreStage()
            for arguments in [["backup", stage.scratch.path("b")], ["restore", stage.scratch.path("b")]] {
                let outcome = try stage.shared(arguments + ["--json"])
                #expect(outcome.status == 64 && code(outcome) == "not_for_shared", "\(outcome.err)")
                #expect(outcome.err.contains("docs/fleet.md"))
            }
        }
    }
}
