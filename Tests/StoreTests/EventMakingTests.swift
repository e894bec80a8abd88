import Foundation
import Harvest
import Model
import Testing

@testable import Catalog
@testable import Store

@Suite struct EventMakingTests {
    private let making = EventMaking(page: "https://salvage.studio.example", now: 1_700_000_000_000)

    private func novel(_ novelty: CrashNovelty, tag: String? = "1.4.0", session: String = "s-1") throws -> NovelCrash {
        var record = CrashRecord(kind: "log")
        var frame = CrashFrame(index: 0, trust: .text)
        (frame.function, frame.file, frame.line) = ("AWeapon::Fire", "Weapon.cpp", 212)
        var bare = CrashFrame(index: 1, trust: .text)
        (bare.module, bare.offset) = ("server", Address(0x1F))
        record.frames = [frame, bare] + (2..<9).map { CrashFrame(index: $0, trust: .text) }
        let row = CrashRow(
            crash: "c0ffee", identity: SessionIdentity(id: session, image: "arena", tag: tag, location: "eu"), time: 5,
            kind: "log", signature: "AWeapon::Fire | SIGSEGV", json: Array(try JSONEncoder().encode(record)))
        var summary = SignatureSummary(signature: row.signature)
        (summary.count, summary.sessions, summary.firstSeen, summary.lastSeen) = (3, 3, 1, 5)
        summary.images = ["arena"]
        return NovelCrash(
            crash: StoredCrash(row), novelty: novelty,
            signature: SignatureOverview(
                id: "0123456789ab", selected: summary, share: nil, firstSeen: 1, lastSeen: 5, firstTag: nil,
                lastTag: nil, state: .new, standing: SignatureStanding()))
    }

    @Test func aNewCrashHasAllThatAMessageNeeds() throws {
        let event = try #require(making.crash(try novel(.new)))
        #expect(event.id == "new:0123456789ab:1.4.0")
        #expect(event.message == "new crash in arena 1.4.0, eu: AWeapon::Fire | SIGSEGV")
        #expect(event.frames.prefix(2) == ["AWeapon::Fire at Weapon.cpp:212", "server+0x1f"])
        #expect(event.frames.count == 5 && event.count == 3)
        #expect(event.link == "https://salvage.studio.example/signatures/0123456789ab")
        #expect(event.command == "salvage crash c0ffee")
        #expect(making.crash(try novel(.known)) == nil)
        #expect(making.crash(try novel(.ignored)) == nil)
    }

    @Test func whatReturnsAfterAnotherDecisionIsAnotherEvent() throws {
        let first = try novel(.returned)
        var standing = SignatureStanding()
        standing.resolution = Decision(
            signature: first.signature.signature, time: 7, author: "ann", action: .resolve(fixedIn: nil))
        let overview = first.signature
        let second = NovelCrash(
            crash: first.crash, novelty: .returned,
            signature: SignatureOverview(
                id: overview.id, selected: overview.selected, share: nil, firstSeen: 1, lastSeen: 5, firstTag: nil,
                lastTag: nil, state: .returned, standing: standing))
        #expect(making.crash(first)?.id == "returned:0123456789ab:1.4.0")
        #expect(making.crash(second)?.id == "returned:0123456789ab:1.4.0:7")
    }

    @Test func onlyLossIsReportedAsLoss() {
        let absent = ArtifactEntry(artifact: "/b", state: .absent)
        #expect(making.lost("s", nil, .partial, [absent]) == nil)
        let event = making.lost("s /1", nil, .lost, [ArtifactEntry(artifact: "/a", state: .lost), absent])
        #expect(event?.message == "session s /1 is lost: /a")
        #expect(event?.link == "https://salvage.studio.example/sessions/s%20%2F1")
        #expect(event?.command == "salvage why 's /1'")
    }

    @Test func aDeadlineIsInDangerWhenTimeOrRateIsShort() {
        func event(_ backlog: Int, _ minutes: Int64) -> Event? {
            making.deadline(
                backlog: backlog, deadline: making.now + minutes * 60_000, session: "s", perMinute: 10)
        }
        #expect(event(10, 120) == nil)
        #expect(
            event(1, 14)?.message == "the nearest deadline is 14 minutes away, and 1 artifact must still be fetched")
        #expect(event(1, -3)?.message.contains("passed 3 minutes ago") == true)
        #expect(event(2000, 120)?.message.contains("artifacts take") == true)
        #expect(event(1, 14)?.id == event(2000, 5)?.id, "once an hour")
    }

    @Test func namesAreQuotedForAddressesAndShells() {
        #expect(EventMaking.escaped("../é?#%") == "..%2F%C3%A9%3F%23%25")
        #expect(EventMaking.escaped("..") == "%2E%2E")
        #expect(EventMaking.escaped("1.4.0-rc_1~2") == "1.4.0-rc_1~2")
        #expect(EventMaking.quoted("raid-4d10") == "raid-4d10")
        #expect(EventMaking.quoted("a'; rm -rf /") == "'a'\\''; rm -rf /'")
        #expect(EventMaking.quoted("--help") == "'--help'")
        #expect(EventMaking.quoted("") == "''")
    }
}
