import Catalog
import Model
import Pack
import Testing
import Text

@Suite(.everyEngine) struct RetentionTests {
    private let day: Int64 = 86_400_000

    private func candidate(
        _ name: String, days: Int64, bytes: UInt64 = 10, _ signatures: [String] = [], pinned: Bool = false
    ) -> RetentionCandidate {
        RetentionCandidate(
            session: name, at: 100 * day - days * day, packBytes: bytes, signatures: signatures, isPinned: pinned)
    }

    private func removed(_ candidates: [RetentionCandidate], _ rules: RetentionRules) -> [String] {
        RetentionPlan(candidates, rules: rules, now: 100 * day).removals.map(\.session)
    }

    @Test func withoutARuleNothingGoes() {
        #expect(removed([candidate("a", days: 99)], RetentionRules(keepPerSignature: 1)) == [])
    }

    @Test func ageCountsFromTheEndAndSparesPins() {
        let all = [
            candidate("new", days: 1), candidate("edge", days: 30), candidate("old", days: 31),
            candidate("pinned", days: 90, pinned: true),
        ]
        let plan = RetentionPlan(all, rules: RetentionRules(olderThan: 30 * day), now: 100 * day)
        #expect(plan.removals.map(\.session) == ["old"])
        #expect(plan.removals.first?.reason == "older than 30d")
        #expect(plan.pinned == 1)
        #expect(plan.bytes == 10)
    }

    @Test func sizeTakesCleanSessionsFirstAndSaysWhatMustStay() {
        let all = [
            candidate("crash-old", days: 9, ["x"]), candidate("clean-new", days: 1), candidate("clean-old", days: 5),
            candidate("pinned", days: 20, pinned: true),
        ]
        #expect(removed(all, RetentionRules(maxBytes: 30)) == ["clean-old"])
        #expect(removed(all, RetentionRules(maxBytes: 15)) == ["clean-old", "clean-new", "crash-old"])
        #expect(RetentionPlan(all, rules: RetentionRules(maxBytes: 4), now: 100 * day).excess == 6)
    }

    @Test func theNewestOfEachSignatureStay() {
        let all = (1...6).map { candidate("c\($0)", days: Int64($0), [$0 % 2 == 0 ? "even" : "odd"]) }
        let rules = RetentionRules(olderThan: 0, keepPerSignature: 2)
        #expect(removed(all, rules) == ["c6", "c5"])
        // A session with two crashes of one signature counts once.
        let twice = [
            candidate("a", days: 1, ["s", "s"]), candidate("b", days: 2, ["s"]), candidate("c", days: 3, ["s"]),
        ]
        #expect(removed(twice, rules) == ["c"])
    }

    @Test func pruningForgetsThePackAndKeepsTheLedger() throws {
        let store = try TestStore()
        let catalog = try store.open()
        let pack = "packs/2026/11/20/s1.pack"
        try catalog.commit(
            PackContents(
                facts: SessionMetadata(session: "s1", exited: 5, state: "harvested"),
                artifacts: [ArtifactEntry(artifact: "/a", state: .collected)], path: pack, packBytes: 7))
        try catalog.record(sessions: [SessionUpdate(session: "s2", state: .running)])
        let other = try catalog.prune([("s1", "packs/other.pack", "age"), ("s2", pack, "age")], now: 9)
        #expect(other == [])
        #expect(try catalog.session("s1")?.pack == pack)
        #expect(try catalog.prune([("s1", pack, "age")], now: 9) == [pack])
        let record = try #require(try catalog.session("s1"))
        #expect(record.pack == nil && record.pruned == 9 && record.prunedWhy == "age" && record.state == .harvested)
        #expect(try catalog.artifacts("s1").count == 1)
        #expect(try catalog.historyBefore(6).map(\.session) == ["s1"])
        #expect(try catalog.historyBefore(5).isEmpty)
        // A pack that is committed later keeps the session, even if it was listed before.
        let listed = try catalog.historyBefore(6).map(\.session)
        try catalog.commit(
            PackContents(facts: SessionMetadata(session: "s1", state: "harvested"), path: pack, packBytes: 7))
        #expect(try catalog.session("s1")?.pruned == nil)
        #expect(try catalog.forgetHistory(listed, before: 6) == [])
        #expect(try catalog.session("s1")?.pack == pack)
        #expect(try catalog.prune([("s1", pack, "age")], now: 9) == [pack])
        #expect(try catalog.forgetHistory(["s1", "s2", "unknown"], before: 5) == [])
        #expect(try catalog.forgetHistory(["s1", "s2", "unknown"], before: .max) == ["s1"])
        #expect(try catalog.session("s1") == nil && catalog.session("s2") != nil)
        #expect(try catalog.artifacts("s1").isEmpty)
    }

    @Test func theFlowCountsHours() throws {
        let hour: Int64 = 3_600_000
        let now = 1000 * hour
        let store = try TestStore()
        let catalog = try store.open()
        var updates: [SessionUpdate] = []
        for (name, ago) in [("a", 10), ("b", 20), ("c", 90), ("d", 100), ("e", 110), ("old", 60 * 30)]
            as [(String, Int64)]
        {
            var update = SessionUpdate(session: name, state: name == "e" ? .lost : .harvested)
            update.seenExited = now - ago * 60_000
            updates.append(update)
        }
        try catalog.record(sessions: updates)
        let flow = try catalog.flow(now: now)
        #expect(flow.exitsLastHour == 2)
        #expect(flow.exitsBusiestHour == 3)
        #expect(flow.lostLastDay == 1)
    }
}
