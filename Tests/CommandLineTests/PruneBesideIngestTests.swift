import Foundation
import Testing

@Suite(.serialized) struct PruneBesideIngestTests {
    /// A published pack that is about to be committed to the catalog is new, not unknown.
    @Test(.enabled(if: CrashStage.has("strace"), "no strace"))
    func aPackThatIsAboutToBeEnteredIsNotCalledUnknown() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        let log = scratch.path("console.log")
        try "a line\n".write(toFile: log, atomically: true, encoding: .utf8)
        let first = try Program.run(["ingest", "--store", store, "--session", "first", log])
        #expect(first.status == 0, "\(first.err)")
        // Between the pack's rename and its commit lies most of a second.
        let ingest = try Program.Running(
            URL(fileURLWithPath: "/bin/sh"),
            [
                "-c",
                """
                for n in 1 2 3; do
                  strace -f -qq -o /dev/null -e trace=rename,renameat -e inject=rename,renameat:delay_exit=700000 \
                  '\(Program.salvage.path)' ingest --store '\(store)' --session late-$n '\(log)' || exit 1
                done
                """,
            ], environment: [:])
        var pruned = 0
        var seen = 0
        while ingest.process.isRunning, pruned < 2000 {
            let packs = try shell("find '\(store)/packs' -name '*.pack' | wc -l").out
            for more in [["--dry-run"], []] {
                let prune = try Program.run(["prune", "--store", store, "--older-than", "100d"] + more)
                #expect(
                    prune.status == 0 && !(prune.out + prune.err).contains("not in the catalog"),
                    "\(prune.out)\(prune.err)")
            }
            let rows = try Program.run(["sessions", "--store", store, "--json"]).objects.count
            if Int(packs.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > rows { seen += 1 }
            pruned += 1
        }
        let ended = ingest.wait()
        #expect(ended.status == 0, "\(ended.err)")
        #expect(seen > 0, "no prune met a pack without a row")
        #expect(try Program.run(["sessions", "--store", store, "--json"]).objects.count == 4)
        #expect(try Program.run(["verify", "--store", store]).status == 0)
    }
}
