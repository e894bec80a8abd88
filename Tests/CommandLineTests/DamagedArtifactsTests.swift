import Foundation
import Testing

/// A pack whose list of artifacts cannot be read: its members are there, but which of them is the session's log is not.
@Suite(.serialized) struct DamagedArtifactsTests {
    @Test func logsPrintsTheSessionsLogAndSaysWhatIsDamaged() throws {
        let scratch = try Scratch()
        try shell(
            """
            cd \(scratch.url.path) && mkdir Saved && \
            printf '[2026.11.20-21.16.03:123][  1]LogTick: another log\\n' > Saved/Game.log && tar czf s.tgz Saved
            """)
        let archive = [UInt8](try Data(contentsOf: scratch.url.appendingPathComponent("s.tgz")))
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[{"id":"s","status":"exited"}]}"#.utf8) },
            logs: { _ in Array("the session's own log\n".utf8) }, artifact: { _, _ in archive }, artifacts: ["/game"])
        defer { fleet.server.stop() }
        #expect(try fleet.salvage("harvest").status == 0)
        #expect(try fleet.salvage("logs", "s").out == "the session's own log\n")
        let store = fleet.scratch.path("store")
        let pack = try shell("find \(store)/packs -name '*.pack'").out.trimmingCharacters(in: .newlines)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: pack)))
        // The list of artifacts stands as plain JSON in the footer.
        let mark = Array(#""artifact":"/game""#.utf8)
        let places = 0..<bytes.count - mark.count
        let place = try #require(places.first { bytes[$0..<$0 + mark.count].elementsEqual(mark) })
        bytes[place + 1] ^= 0x20
        try Data(bytes).write(to: URL(fileURLWithPath: pack))

        let logs = try fleet.salvage("logs", "s")
        #expect(logs.out == "the session's own log\n", "\(logs.out)")
        #expect(logs.status == 3 && logs.err.contains("list of artifacts is damaged"), "\(logs.status) \(logs.err)")
        let chosen = try fleet.salvage("logs", "s", "--path", "Game.log")
        #expect(chosen.status == 0 && chosen.out.contains("another log"), "\(chosen.err)")
        let exported = try fleet.salvage("export", "s", "--to", fleet.scratch.path("out"), "--json")
        #expect(exported.status == 3 && exported.err.contains("list of artifacts is damaged"), "\(exported.err)")
        #expect(exported.objects.first?["artifacts_damage"] is String, "\(exported.out)")
        let metadata = try Data(
            contentsOf: URL(fileURLWithPath: fleet.scratch.path("out/salvage-metadata.json")))
        let described = try JSONSerialization.jsonObject(with: metadata) as? [String: Any]
        // What the catalog knows, not what an empty row says.
        let states = (described?["artifacts"] as? [[String: Any]])?.compactMap { $0["state"] as? String }
        #expect(states == ["collected", "collected"], "\(String(decoding: metadata, as: UTF8.self))")
        // Without the catalog's rows it is unknown, and not guessed.
        let emptied = try shell(
            """
            sqlite3 \(store)/catalog.sqlite 'DELETE FROM members' || python3 -c "import sqlite3
            c = sqlite3.connect('\(store)/catalog.sqlite'); c.execute('DELETE FROM members'); c.commit()"
            """)
        guard emptied.status == 0 else { return }
        let blind = try fleet.salvage("logs", "s")
        #expect(blind.status == 3 && blind.out.isEmpty && blind.err.contains("--path"), "\(blind.out)\(blind.err)")
        let guess = try fleet.salvage("export", "s", "--to", fleet.scratch.path("blind"))
        #expect(guess.status == 3, "\(guess.err)")
        let nothing = try String(contentsOfFile: fleet.scratch.path("blind/salvage-metadata.json"), encoding: .utf8)
        #expect(!nothing.contains("\"artifacts\"") && nothing.contains("artifacts_damage"), "\(nothing)")
    }
}
