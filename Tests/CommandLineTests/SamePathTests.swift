import Foundation
import Testing

/// Members of one path in several artifacts are different files.
@Suite struct SamePathTests {
    @Test func aPathOfSeveralArtifactsIsAskedAbout() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        // Two artifacts of the same inner path, one of which the archive holds twice; and one file that is the same in both.
        try shell(
            """
            cd \(scratch.url.path) && mkdir -p one/Saved two/Saved && echo same | tee one/Saved/same.ini > two/Saved/same.ini
            echo early > one/Saved/Game.log && tar cf one.tar -C one Saved && echo one > one/Saved/Game.log
            tar rf one.tar -C one Saved/Game.log && gzip -n < one.tar > one.tgz
            echo two > two/Saved/Game.log && tar czf two.tgz -C two Saved
            """)
        let (one, two) = try (
            [UInt8](Data(contentsOf: scratch.url.appendingPathComponent("one.tgz"))),
            [UInt8](Data(contentsOf: scratch.url.appendingPathComponent("two.tgz")))
        )
        let fleet = try EndedFleet(
            list: { Array(#"{"sessions":[{"id":"s","status":"exited"}]}"#.utf8) },
            logs: { _ in Array("log\n".utf8) }, artifact: { _, path in path == Array("/one".utf8) ? one : two },
            artifacts: ["/one", "/two"])
        defer { fleet.server.stop() }
        #expect(try fleet.salvage("harvest").status == 0)

        for path in ["Saved/Game.log", "Game.log"] {
            let asked = try fleet.salvage("cat", "s", path)
            #expect(asked.status == 2 && asked.out.isEmpty, "\(path): \(asked.out)\(asked.err)")
            #expect(asked.err.contains("/one, /two") && asked.err.contains("--artifact"), "\(asked.err)")
            #expect(try fleet.salvage("cat", "s", path, "--artifact", "/one").out == "one\n")
            #expect(try fleet.salvage("cat", "s", path, "--artifact", "/two").out == "two\n")
        }
        let code = try fleet.salvage("cat", "s", "Game.log", "--json")
        #expect(code.err.contains("\"code\":\"ambiguous_path\""), "\(code.err)")
        // The same bytes are no question.
        #expect(try fleet.salvage("cat", "s", "Saved/same.ini").out == "same\n")
    }
}
