import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// Files that are ingested by hand are kept beside those of a harvest and hide none of them.
    @Suite(.serialized) struct HandIngestTests {
        private func note(_ stage: LiveStage, _ id: String) async throws {
            let file = stage.scratch.path("note-\(id).log")
            try "a note on \(id)\n".write(toFile: file, atomically: true, encoding: .utf8)
            let outcome = try await stage.salvage("ingest", "--session", id, file)
            #expect(outcome.status == 0, "\(outcome.err)")
        }

        private func isWhole(_ stage: LiveStage, _ id: String) async throws {
            #expect(try await stage.state(id) == "harvested")
            let files = try await stage.files(id)
            #expect(files.isSuperset(of: ["Saved/state.txt", "console.log", "note-\(id).log"]), "\(id): \(files)")
        }

        @Test func aSessionIsHarvestedThoughFilesCameBefore() async throws {
            let stage = try await LiveStage()
            try await stage.ran("w-1", "w-2", "w-3")
            for id in ["w-1", "w-2", "w-3"] { try await note(stage, id) }
            #expect(try await stage.state("w-1") == "harvested")
            let again = try await stage.salvage("harvest", "--again", "--session", "w-1")
            #expect(again.status == 0, "\(again.err)")
            try await isWhole(stage, "w-1")
            #expect(try await stage.salvage("harvest", "--session", "w-2").status == 0)
            try await isWhole(stage, "w-2")
            #expect(try await stage.salvage("harvest").status == 0)
            try await isWhole(stage, "w-3")
            #expect(try await stage.salvage("verify").status == 0)
            // Nobody but a hand knows this one.
            try await note(stage, "other")
            let refused = try await stage.salvage("harvest", "--again", "--session", "other")
            #expect(refused.err.contains("imported with salvage ingest"), "\(refused.err)")
            await stage.server.stop()
        }

        @Test func neitherAnIngestNorAReindexEndsASessionThatRuns() async throws {
            let stage = try await LiveStage(follow: false)
            try await stage.started("r-1", "writer")
            try await stage.until("it is known") {
                _ = try await stage.salvage("harvest")
                return try await stage.state("r-1") == "running"
            }
            try await note(stage, "r-1")
            #expect(try await stage.state("r-1") == "running")
            #expect(try await stage.salvage("reindex").status == 0)
            #expect(try await stage.state("r-1") == "running")
            #expect(try await stage.salvage("api", "session-stop", "r-1").status == 0)
            try await stage.until("it was harvested") {
                _ = try await stage.salvage("harvest")
                return try await stage.state("r-1") == "harvested"
            }
            try await isWhole(stage, "r-1")
            await stage.server.stop()
        }

        @Test func whatWasPrunedStaysSaidThoughFilesComeLater() async throws {
            let stage = try await LiveStage()
            try await stage.ran("p-1")
            #expect(try await stage.salvage("harvest").status == 0)
            #expect(try await stage.salvage("prune", "--session", "p-1", "--older-than", "0s").status == 0)
            try await note(stage, "p-1")
            #expect(try await stage.salvage("reindex").status == 0)
            #expect(try await stage.salvage("sessions").out.contains("harvested, pruned"))
            let show = try await stage.salvage("show", "p-1").out
            #expect(show.contains("pruned: /game/Saved, logs."), "\(show)")
            #expect(!show.contains("Everything") && !show.contains("collected.\n"), "\(show)")
            #expect(try await stage.salvage("why", "p-1").out.contains("An earlier pack was pruned"))
            let files = try await stage.salvage("files", "p-1")
            #expect(files.status == 0)
            #expect(files.err.contains("an earlier pack of the session was pruned"), "\(files.err)")
            let rows = try await stage.salvage("coverage", "--json", "--session", "p-1").objects
            #expect(
                !rows.contains { $0["artifact"] as? String == "logs" && $0["state"] as? String == "collected" },
                "\(rows)")
            let again = try await stage.salvage("harvest", "--again", "--session", "p-1")
            #expect(again.err.contains("this session's pack was pruned"), "\(again.err)")
            await stage.server.stop()
        }
    }
}
