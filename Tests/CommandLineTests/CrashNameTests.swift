import Foundation
import Testing

/// Crash ids in place of session ids, and commands without a name.
@Suite(.serialized) struct CrashNameTests {
    private let scratch: Scratch
    private var store: String { scratch.path("store") }

    init() throws {
        scratch = try Scratch()
        for (session, day) in [("duel-1", "20"), ("duel-2", "21")] { try ingest(session, day, "boom in \(session)") }
        try ingest("quiet-1", "22", nil)
    }

    private func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["SALVAGE_STORE": store])
    }

    private func ingest(_ session: String, _ day: String, _ panic: String?) throws {
        let log = scratch.path("console.log")
        let lines = panic.map { "thread 'main' panicked at src/\(session).rs:4:5:\n\($0)\n" } ?? ""
        try "2026-11-\(day)T10:00:00Z needle\n\(lines)".write(toFile: log, atomically: true, encoding: .utf8)
        let outcome = try Program.run(
            ["ingest", "--session", session, "--tag", "1.\(day)", log], environment: ["SALVAGE_STORE": store])
        try #require(outcome.status == 0, "\(outcome.err)")
    }

    private func crash(of session: String) throws -> String {
        try #require(try salvage("crashes", "--session", session, "--json").objects.first?["crash"] as? String)
    }

    @Test func commandsAboutASessionTakeACrash() throws {
        let crash = try crash(of: "duel-1")
        for name in [crash, String(crash.prefix(12))] {
            #expect(try salvage("show", name, "--json").objects.first?["session"] as? String == "duel-1")
            #expect(try salvage("why", name, "--json").objects.first?["session"] as? String == "duel-1")
            #expect(try salvage("files", name, "--json").objects.first?["session"] as? String == "duel-1")
            #expect(try salvage("logs", name).out.contains("boom in duel-1"))
            #expect(try salvage("cat", name, "console.log").out.contains("boom in duel-1"))
        }
        let exported = try salvage("export", crash, "--to", scratch.path("out"), "--json")
        #expect(exported.objects.first?["session"] as? String == "duel-1", "\(exported.err)")
    }

    @Test func anErrorSaysWhatANameMayMean() throws {
        let several = try salvage("show", "duel")
        #expect(several.status == 64 || several.status == 1 || several.status == 2)
        #expect(several.err.contains("session duel-1, session duel-2"), "\(several.err)")
        let near = try salvage("logs", "uel-2")
        #expect(near.status == 1 && near.err.contains("did you mean session duel-2?"), "\(near.err)")
        let nothing = try salvage("crash", "nope", "--json")
        #expect(nothing.status == 1 && nothing.err.contains("session_not_found"), "\(nothing.err)")
    }

    @Test func withoutANameTheLatestIsShown() throws {
        let latest = try crash(of: "duel-2")
        let shown = try salvage("crash")
        #expect(shown.status == 0 && shown.out.contains(latest) && shown.err.contains("latest crash: \(latest)"))
        #expect(try salvage("crash", "--json").objects.first?["crash"] as? String == latest)
        #expect(try salvage("crash", "--quiet").err.isEmpty)
        let session = try salvage("show")
        #expect(
            session.err.contains("latest crashed session: duel-2") && session.out.contains("duel-2"), "\(session.err)")
        let empty = try Program.run(["show", "--store", scratch.path("empty")])
        #expect(empty.status != 0 && empty.out.isEmpty)
    }

    @Test func sessionsTellWhatEndedThem() throws {
        let rows = try salvage("sessions", "--json").objects
        #expect(rows.compactMap { $0["ended_by"] as? String } == ["exit", "crash", "crash"])
        #expect(
            (rows.first { $0["session"] as? String == "duel-1" }?["signature"] as? String)?.contains("duel-1") == true)
        let table = try salvage("sessions").out
        #expect(
            table.contains("ENDED BY") && table.contains("exited") && table.contains("panic | duel-1.rs"), "\(table)")
        #expect(try salvage("prune", "--older-than", "0s", "--session", "quiet-1").status == 0)
        let pruned = try salvage("sessions", "--session", "quiet-1")
        #expect(pruned.out.contains("pruned") && !pruned.out.contains("harvested"), "\(pruned.out)")
        #expect(
            try salvage("sessions", "--session", "quiet-1", "--json").objects.first?["ended_by"] as? String == "unknown"
        )
    }

    @Test func listsOfCrashesLeaveThreadsAndModulesOut() throws {
        for crash in try salvage("crashes", "--json").objects {
            #expect((crash["threads"] as? [Any])?.isEmpty == true && (crash["modules"] as? [Any])?.isEmpty == true)
        }
        let none = try salvage("coverage", "--json", "--tag", "none")
        #expect(none.status == 1 && none.objects.last?["totals"] as? Bool == true, "\(none.out)")
        #expect(try salvage("coverage", "--json").objects.last?["complete"] as? Bool == true)
    }
}
