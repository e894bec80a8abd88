import Foundation
import Testing

/// Members of one path in several artifacts are different files.
@Suite struct SamePathTests {
    @Test func aPathOfSeveralArtifactsIsAskedAbout() throws {
        let scratch = try Scratch()
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
        // Members with the same bytes are not ambiguous.
        #expect(try fleet.salvage("cat", "s", "Saved/same.ini").out == "same\n")
    }

    @Test func aroundACrashTheLastMemberOfItsPathIsShown() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        // Lines without times: what is around the crash is found by its place in the member.
        try shell(
            """
            cd \(scratch.url.path) && mkdir Saved && yes 'an early line' | head -n 2000 > Saved/Game.log
            tar cf a.tar Saved/Game.log
            (yes 'a late line' | head -n 1000; printf 'panic: runtime error: index out of range [3]\\n\\n'
            printf 'goroutine 1 [running]:\\nmain.tick()\\n\\t/app/main.go:10 +0x1d\\n') > Saved/Game.log
            tar rf a.tar Saved/Game.log && gzip -n < a.tar > a.tar.gz
            """)
        let ingest = try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("a.tar.gz")])
        #expect(ingest.status == 0, "\(ingest.err)")
        let around = try Program.run(["logs", "s", "--around", "last", "--store", store])
        #expect(around.status == 0 && around.out.contains("panic: runtime error"), "\(around.err)")
        #expect(!around.out.contains("early") && around.out.contains("a late line"))
    }
}
