import Model
import Pack
import Testing
import Text

@testable import Store

@Suite struct SweepPlanTests {
    private static let current = "packs/2026/11/20/a.5.00000001.pack"

    private static func orphan(
        epoch: Int?, _ artifacts: [(String, ArtifactState, UInt64)], session: String = "a", modified: Int64 = 5000,
        members: [Member] = []
    ) -> Orphan {
        let name = epoch.map { "a.\($0).0000000f" } ?? "a"
        return Orphan(
            path: "packs/2026/11/20/\(name).pack", modified: modified * 1_000_000, session: session,
            inventory: PackInventory(artifacts: rows(artifacts), members: members))
    }

    private static func rows(_ artifacts: [(String, ArtifactState, UInt64)]) -> [ArtifactEntry] {
        artifacts.map { ArtifactEntry(artifact: $0.0, state: $0.1, bytes: $0.2) }
    }

    private static func member(
        _ path: String, _ size: UInt64, artifact: UInt32 = 0, flags: MemberFlags = []
    ) -> Member {
        var member = Member(MemberHeader(artifact: artifact, path: Array(path.utf8), kind: .log))
        member.size = size
        member.flags = flags
        return member
    }

    private static func record(pack: String?, pruned: Int64? = nil) -> SessionRecord {
        var record = SessionRecord(SessionIdentity(id: "a"), state: .harvested)
        record.pack = pack
        record.pruned = pruned
        return record
    }

    @Test func aPackWithoutARowIsAdopted() {
        // As after a failover to a database that lagged behind: neither the row nor its pack is known.
        let orphan = Self.orphan(epoch: 7, [("logs", .collected, 9)])
        #expect(SweepPlan.verdict(orphan, nil, [], isClaimed: false) == .adopt(replacing: nil))
        #expect(
            SweepPlan.verdict(orphan, Self.record(pack: nil), [], isClaimed: false) == .adopt(replacing: nil))
    }

    @Test func aPrunedPackStaysPrunedAndWhatCameLaterDoesNot() {
        let record = Self.record(pack: nil, pruned: 6000)
        #expect(SweepPlan.verdict(Self.orphan(epoch: 7, [], modified: 6000), record, [], isClaimed: false) == .discard)
        #expect(
            SweepPlan.verdict(Self.orphan(epoch: 7, [], modified: 6001), record, [], isClaimed: false)
                == .adopt(replacing: nil))
    }

    @Test func aLaterGenerationReplacesTheRecordedOneUnlessItLacksSomething() {
        let later = Self.orphan(epoch: 7, [("logs", .collected, 9)])
        let record = Self.record(pack: Self.current)
        let same = Self.rows([("logs", .collected, 9), ("/saved", .absent, 0)])
        #expect(SweepPlan.verdict(later, record, same, isClaimed: false) == .adopt(replacing: Self.current))
        let more = Self.rows([("logs", .collected, 9), ("/saved", .collected, 3)])
        guard case .leave(let reason) = SweepPlan.verdict(later, record, more, isClaimed: false) else {
            Issue.record("a pack that lacks /saved may not replace one that has it")
            return
        }
        #expect(reason.contains("/saved"))
    }

    @Test func anEarlierGenerationGoesOnlyWhenTheRecordedOneHasAllOfIt() {
        let record = Self.record(pack: Self.current)
        let rows = Self.rows([("logs", .collected, 9), ("/saved", .incomplete, 50), ("/crashes", .lost, 0)])
        func verdict(_ artifacts: [(String, ArtifactState, UInt64)], epoch: Int? = 3) -> SweepVerdict {
            SweepPlan.verdict(Self.orphan(epoch: epoch, artifacts), record, rows, isClaimed: false)
        }
        #expect(
            verdict([("logs", .incomplete, 99), ("/saved", .incomplete, 50), ("/crashes", .absent, 0)]) == .discard)
        #expect(verdict([("logs", .collected, 9)], epoch: nil) == .discard, "a pack without a claim is the earliest")
        #expect(verdict([("logs", .collected, 9)], epoch: 5) == .discard, "the same claim, another try")
        for more: [(String, ArtifactState, UInt64)] in [
            [("/saved", .incomplete, 51)], [("/saved", .collected, 1)], [("/crashes", .collected, 1)],
            [("/other", .incomplete, 1)],
        ] {
            guard case .leave = verdict(more) else {
                Issue.record("\(more) is in no other pack")
                continue
            }
        }
    }

    /// The rows of both are the same, so only the members tell what would be lost.
    @Test(
        arguments: [
            ([("a.log", 9, []), ("b.log", 5, [])], true), ([("a.log", 9, [])], true), ([], true),
            ([("a.log", 8, [.truncated])], true), ([("c.log", 1, [])], false), ([("a.log", 10, [])], false),
            ([("cut.log", 7, [.truncated])], true), ([("cut.log", 8, [.truncated])], false),
            ([("cut.log", 6, [])], false),
            ([("a.log", 9, []), ("raw.log", 20, [])], true),
        ] as [([(String, UInt64, MemberFlags)], Bool)])
    func anOrphanGoesOnlyWhenTheRecordedPackHasItsMembers(
        found: [(String, UInt64, MemberFlags)], isContained: Bool
    ) {
        let rows = Self.rows([("/saved", .collected, 9)])
        let held = PackInventory(
            artifacts: rows,
            members: [
                Self.member("a.log", 9), Self.member("b.log", 5), Self.member("cut.log", 7, flags: .truncated),
                Self.member("raw.log!utf-8", 30, flags: [.transcoded, .redacted]),
            ])
        let members = found.map { Self.member($0.0, $0.1, flags: $0.2) }
        for epoch in [nil, 3, 5] {
            let orphan = Self.orphan(epoch: epoch, [("/saved", .collected, 9)], members: members)
            let verdict = SweepPlan.verdict(
                orphan, Self.record(pack: Self.current), rows, in: held, isClaimed: false)
            if isContained {
                #expect(verdict == .discard)
            } else if case .leave = verdict {
            } else {
                Issue.record("\(found) is in no other pack: \(verdict)")
            }
        }
    }

    @Test func aLaterGenerationThatLacksAMemberReplacesNothing() {
        let rows = Self.rows([("/saved", .collected, 9)])
        let held = PackInventory(artifacts: rows, members: [Self.member("a.log", 9), Self.member("b.log", 5)])
        func verdict(_ members: [Member]) -> SweepVerdict {
            SweepPlan.verdict(
                Self.orphan(epoch: 7, [("/saved", .collected, 9)], members: members), Self.record(pack: Self.current),
                rows, in: held, isClaimed: false)
        }
        #expect(verdict(held.members) == .adopt(replacing: Self.current))
        #expect(verdict([Self.member("a.log", 9)]) == .leave("it is newer than the session's pack and lacks b.log"))
    }

    /// The same path of another artifact is another file.
    @Test func membersAreComparedByTheirArtifact() {
        let rows = Self.rows([("/saved", .collected, 9), ("/crashes", .collected, 9)])
        let held = PackInventory(artifacts: rows, members: [Self.member("core", 9, artifact: 1)])
        let other = PackInventory(artifacts: rows.reversed(), members: [Self.member("core", 9, artifact: 0)])
        #expect(held.lacking(of: other) == nil)
        #expect(held.lacking(of: PackInventory(artifacts: rows, members: other.members)) == "core")
    }

    @Test func whatSomebodyWorksOnOrNobodyUnderstandsStays() {
        let orphan = Self.orphan(epoch: 3, [])
        guard case .leave = SweepPlan.verdict(orphan, nil, [], isClaimed: true),
            case .leave = SweepPlan.verdict(
                Self.orphan(epoch: 3, [], session: "b"), nil, [], isClaimed: false)
        else {
            Issue.record("neither may be adopted or deleted")
            return
        }
    }
}
