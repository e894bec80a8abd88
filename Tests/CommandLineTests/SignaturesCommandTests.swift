import Foundation
import Testing

@Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
struct SignaturesCommandTests {
    @Test func rulesOfTheConfigurationChangeSignaturesAndOldOnesStillFind() throws {
        let stage = try CrashStage()
        #expect(try stage.salvage("symbols", "add", stage.scratch.path("a/server.full")).status == 0)
        #expect(try stage.ingest("s-1", tag: "1.0", try stage.core("a", "weapon")).status == 0)
        #expect(try stage.ingest("s-2", tag: "1.0", try stage.core("a", "net")).status == 0)
        #expect(try stage.signatures() == ["s-1": "weapon_damage", "s-2": "abort | net_receive"])
        let config = stage.scratch.path("salvage.yaml")
        try """
        store: \(stage.store)
        signatures:
          prefix: [weapon_*]
          skip: ["/^net_(receive|send)$/"]
        """.write(toFile: config, atomically: true, encoding: .utf8)

        let dry = try Program.run(["signatures", "refresh", "--dry-run", "--json", "--config", config])
        let wanted: Set = ["weapon_damage | world_tick", "abort | world_tick"]
        #expect(Set(dry.objects.compactMap { $0["to"] as? String }) == wanted)
        #expect(try stage.signatures()["s-1"] == "weapon_damage")
        // The command's earlier name.
        #expect(try Program.run(["resign", "--dry-run", "--json", "--config", config]).out == dry.out)
        let real = try Program.run(["signatures", "refresh", "--config", config])
        #expect(real.status == 0 && real.out.contains("2 got a new signature"), "\(real.out)\(real.err)")
        let after = ["s-1": "weapon_damage | world_tick", "s-2": "abort | world_tick"]
        #expect(try stage.signatures() == after)
        #expect(try stage.signatures("--signature", "weapon_damage") == ["s-1": "weapon_damage | world_tick"])
        // A new crash is signed by the rules without being asked, and so is a catalog built from nothing.
        let ingest = try Program.run(
            ["ingest", "--config", config, "--session", "s-3", try stage.core("a", "weapon")])
        #expect(ingest.status == 0)
        #expect(try stage.signatures()["s-3"] == "weapon_damage | world_tick")
        try shell("rm -f \(stage.store)/catalog.sqlite*")
        #expect(try Program.run(["reindex", "--config", config]).status == 0)
        #expect(try stage.signatures("--signature", "weapon_damage").keys.sorted() == ["s-1"])
        #expect(try stage.signatures()["s-2"] == "abort | world_tick")
    }

    @Test func aRuleThatCannotBeReadIsNamedWithItsLine() throws {
        let scratch = try Scratch()
        let config = scratch.path("salvage.yaml")
        try "signatures:\n  skip:\n    - good_*\n    - /un(closed/\n  skp: []\n".write(
            toFile: config, atomically: true, encoding: .utf8)
        let outcome = try Program.run(["signatures", "refresh", "--config", config])
        #expect(outcome.status == 64, "\(outcome.err)")
        #expect(outcome.err.contains("line 4: signatures.skip") && outcome.err.contains("skp"))
    }
}
