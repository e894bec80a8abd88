import Catalog
import Model
import Testing

@testable import Harvest

/// Drives a watcher by hand: each call is one poll of a simulated API at a simulated time.
struct Watched {
    var watcher: Watcher
    var now: Int64 = 1_000_000

    init(_ remembered: [SessionRecord] = []) { watcher = Watcher(remembering: remembered) }

    static func sighting(_ id: String, _ status: ObservedStatus? = nil, created: Int64? = 500_000) -> Sighting {
        Sighting(SessionIdentity(id: id, image: "game", tag: "1", created: created), status: status)
    }

    mutating func list(_ kind: ListKind, _ entries: [Sighting], complete: Bool = true, after: Int64 = 5000)
        -> [Watcher.Action]
    {
        now += after
        var actions = watcher.handle(.listBegan(kind), now: now)
        for entry in entries { actions += watcher.handle(.listed(entry), now: now) }
        return actions + watcher.handle(.listEnded(kind, complete: complete), now: now)
    }

    mutating func describe(_ id: String, _ answer: DescribeAnswer) -> [Watcher.Action] {
        now += 10
        return watcher.handle(.described(id: id, answer), now: now)
    }

    mutating func tick(after: Int64) -> [Watcher.Action] {
        now += after
        return watcher.handle(.tick, now: now)
    }
}

extension [Watcher.Action] {
    var described: [String] { compactMap { if case .describe(let id) = $0 { id } else { nil } } }
    var ended: [ExitedSession] { compactMap { if case .exited(let session) = $0 { session } else { nil } } }
    var recorded: [String] { compactMap { if case .record(let key, _, _) = $0 { key } else { nil } } }
}

@Suite struct WatcherTests {
    typealias W = Watched

    @Test func aSessionThatStartsIsRecordedOnceAndNotDescribed() {
        var api = W()
        let first = api.list(.running, [W.sighting("a", .running)])
        #expect(first == [.record(key: "a", W.sighting("a").identity, alive: true)])
        #expect(api.list(.running, [W.sighting("a", .running)]).isEmpty)
        #expect(api.list(.all, [W.sighting("a", .running)]).isEmpty)
        #expect(api.watcher.running == 1)
    }

    @Test func aNormalExitIsSeenInTheListOfAll() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        let seenAlive = api.now
        let actions = api.list(.all, [W.sighting("a", .exited)])
        #expect(actions.ended.count == 1)
        #expect(actions.ended.first?.exitedAt == api.now)
        #expect(actions.ended.first?.deadline == api.now + Int64(4 * 3_600_000))
        #expect(actions.ended.first?.notBefore == seenAlive)
        #expect(actions.ended.first?.crashed == false)
        #expect(actions.described.isEmpty)
        #expect(api.list(.all, [W.sighting("a", .exited)]).isEmpty, "an exit is reported once")
    }

    @Test func deadLooksCrashed() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        #expect(api.list(.all, [W.sighting("a", .dead)]).ended.first?.crashed == true)
    }

    @Test func aSessionMissingFromTheRunningListIsDescribed() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running), W.sighting("b", .running)])
        #expect(api.list(.running, [W.sighting("b", .running)]) == [.describe(id: "a")])
        #expect(api.list(.running, [W.sighting("b", .running)]).isEmpty, "one question at a time")
        let actions = api.describe("a", .found(W.sighting("a", .exited)))
        #expect(actions.ended.map(\.key) == ["a"])
        #expect(actions.ended.first?.evidence == .status)
    }

    @Test func aSessionThatIsAliveButUnlistedIsNotAskedAboutAtEveryPoll() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        #expect(api.list(.running, []) == [.describe(id: "a")])
        #expect(api.describe("a", .found(W.sighting("a", .draining))).isEmpty)
        #expect(api.list(.running, []).isEmpty)
        #expect(api.tick(after: 10_000).isEmpty)
        #expect(api.tick(after: 30_000) == [.describe(id: "a")])
    }

    @Test func anExitBetweenTwoPollsBeforeEverBeingListedAsRunning() {
        var api = W()
        _ = api.list(.running, [])
        let actions = api.list(.all, [W.sighting("a", .exited, created: 900_000)])
        #expect(actions.recorded == ["a"])
        #expect(actions.ended.first?.notBefore == 900_000, "it can have ended at any time since it was made")
    }

    @Test func restartingLooksCrashedAndIsAlive() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        #expect(api.list(.all, [W.sighting("a", .restarting)]).isEmpty)
        #expect(api.list(.running, []).isEmpty, "restarting sessions are not in the running list")
        #expect(api.list(.running, [W.sighting("a", .running)]).isEmpty)
        #expect(api.list(.all, [W.sighting("a", .exited)]).ended.first?.crashed == true)
    }

    @Test func serverUnreachableAndBack() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        #expect(api.list(.all, [W.sighting("a", .serverUnreachable)]).isEmpty)
        #expect(api.list(.running, []).isEmpty)
        #expect(api.list(.all, [W.sighting("a", .serverUnreachable)]).isEmpty)
        #expect(api.list(.running, [W.sighting("a", .running)]).isEmpty)
        #expect(api.list(.all, [W.sighting("a", .serverUnreachable)]).isEmpty)
        #expect(api.list(.all, [W.sighting("a", .exited)]).ended.count == 1)
    }

    @Test func anIdGoneFromEveryListIsDescribedAnd404SendsTheFetcher() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running), W.sighting("b", .running)])
        _ = api.list(.all, [W.sighting("a", .serverUnreachable), W.sighting("b", .running)])
        _ = api.list(.running, [W.sighting("b", .running)])
        #expect(api.list(.all, [W.sighting("b", .running)]) == [.describe(id: "a")])
        let actions = api.describe("a", .notFound(identifier: "trace"))
        #expect(actions.ended.first?.evidence == .vanished)
        #expect(api.watcher.handle(.settled(key: "a"), now: api.now).isEmpty)
    }

    @Test func aDescribeThatFailsIsRepeatedLaterAndLater() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        #expect(api.list(.running, []) == [.describe(id: "a")])
        #expect(api.describe("a", .failed).isEmpty)
        #expect(api.tick(after: 4000).isEmpty)
        #expect(api.tick(after: 2000) == [.describe(id: "a")])
        #expect(api.describe("a", .failed).isEmpty)
        #expect(api.tick(after: 6000).isEmpty)
        #expect(api.tick(after: 5000) == [.describe(id: "a")])
    }

    @Test func aFailedOrCutListEndsNothing() {
        var api = W()
        let fleet = (0..<100).map { W.sighting("s\($0)", .running) }
        _ = api.list(.running, fleet)
        #expect(api.list(.running, [], complete: false).isEmpty)
        #expect(api.list(.all, Array(fleet.prefix(3)), complete: false).isEmpty)
        #expect(api.watcher.running == 100)
    }

    @Test func aSuddenlyEmptyListIsConfirmedFirst() {
        var api = W()
        let fleet = (0..<1000).map { W.sighting("s\($0)", .running) }
        _ = api.list(.running, fleet)
        _ = api.list(.all, fleet)
        #expect(api.list(.running, []) == [.listAll], "one list is cheaper than a thousand questions")
        #expect(api.list(.all, []).isEmpty, "a complete but empty list is not believed at once")
        #expect(api.list(.running, fleet).isEmpty)
        #expect(api.list(.all, fleet).isEmpty)
        _ = api.list(.running, [])
        #expect(api.list(.all, []).isEmpty)
        #expect(api.list(.all, []).described.count == 1000, "twice is believed, and each is still asked about")
    }

    @Test func tenThousandExitsAtOnce() {
        var api = W()
        let ids = (0..<10_000).map { "session-\($0)" }
        _ = api.list(.running, ids.map { W.sighting($0, .running) })
        #expect(api.list(.running, []) == [.listAll])
        let actions = api.list(.all, ids.map { W.sighting($0, .exited) })
        #expect(actions.described.isEmpty)
        #expect(Set(actions.ended.map(\.key)) == Set(ids))
        #expect(api.watcher.running == 0)
    }

    @Test func aLaterContainerUnderTheSameIdIsARunOfItsOwn() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running, created: 500_000)])
        _ = api.list(.all, [W.sighting("a", .exited, created: 500_000)])
        let actions = api.list(.running, [W.sighting("a", .running, created: 1_005_000)])
        #expect(actions.first == .replaced(key: "a"))
        #expect(actions.recorded == ["a@1005000"])
        #expect(api.list(.all, [W.sighting("a", .exited, created: 1_005_000)]).ended.map(\.key) == ["a@1005000"])
        #expect(RunKey.apiID(key: "a@1005000", created: 1_005_000) == "a")
        #expect(RunKey.apiID(key: "b@7", created: 8) == "b@7")
    }

    @Test func aLaterRunAfterTheFirstWasHarvestedReplacesNothing() {
        var api = W()
        _ = api.list(.all, [W.sighting("a", .exited, created: 500_000)])
        _ = api.watcher.handle(.settled(key: "a"), now: api.now)
        let actions = api.list(.running, [W.sighting("a", .running, created: 1_000_000)])
        #expect(actions.recorded == ["a@1000000"])
        #expect(actions.count == 1)
    }

    @Test func aSessionThoughtEndedThatRunsAgainIsWithdrawn() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        _ = api.list(.all, [W.sighting("a", .exited)])
        #expect(api.list(.running, [W.sighting("a", .running)]) == [.withdraw(key: "a")])
        #expect(api.list(.all, [W.sighting("a", .exited)]).ended.count == 1)
    }

    @Test func anAnswerOlderThanTheExitChangesNothing() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        api.now += 5000
        _ = api.watcher.handle(.listBegan(.running), now: api.now)
        _ = api.watcher.handle(.streamEnded(id: "a"), now: api.now)
        _ = api.describe("a", .found(W.sighting("a", .exited)))
        #expect(api.watcher.handle(.listed(W.sighting("a", .running)), now: api.now).isEmpty)
    }

    @Test func aStreamThatEndsCausesADescribeAtOnce() {
        var api = W()
        _ = api.list(.running, [W.sighting("a", .running)])
        #expect(api.watcher.handle(.streamEnded(id: "a"), now: api.now) == [.describe(id: "a")])
        #expect(api.describe("a", .found(W.sighting("a", .exited))).ended.count == 1)
        #expect(api.watcher.handle(.streamEnded(id: "a"), now: api.now).isEmpty)
        #expect(api.watcher.handle(.streamEnded(id: "never seen"), now: api.now).isEmpty)
    }

    @Test func listsWithoutAnyStatus() {
        var api = W()
        _ = api.list(.running, [W.sighting("a"), W.sighting("b")])
        #expect(api.list(.all, [W.sighting("a"), W.sighting("b"), W.sighting("old")]).described == ["old"])
        #expect(api.describe("old", .found(W.sighting("old", .exited))).ended.count == 1)
        #expect(api.list(.running, [W.sighting("b")]).described == ["a"])
        #expect(api.describe("a", .found(W.sighting("a"))).isEmpty, "no status twice is needed to infer an exit")
        #expect(api.tick(after: 30_000).described == ["a"])
        #expect(api.describe("a", .found(W.sighting("a"))).ended.first?.evidence == .inferred)
    }

    @Test func manyWithoutStatusAreInferredWithoutAsking() {
        var api = W()
        let ids = (0..<500).map { "s\($0)" }
        _ = api.list(.running, ids.map { W.sighting($0) })
        #expect(api.list(.running, []) == [.listAll])
        #expect(api.list(.all, ids.map { W.sighting($0) }) == [.listAll])
        let actions = api.list(.all, ids.map { W.sighting($0) })
        #expect(actions.ended.count == 500)
        #expect(actions.described.isEmpty)
    }

    @Test func whatTheFetcherFindsAliveIsWatchedAgain() {
        var api = W()
        _ = api.list(.all, [W.sighting("a", .exited)])
        #expect(api.watcher.handle(.returned(key: "a"), now: api.now) == [.withdraw(key: "a")])
        #expect(api.tick(after: 31_000).described == ["a"])
        #expect(api.describe("a", .found(W.sighting("a", .exited))).ended.count == 1)
    }

    @Test(arguments: SessionState.allCases)
    func aRestartOfSalvageInEveryState(_ state: SessionState) {
        let identity = W.sighting("a").identity
        var remembered = SessionRecord(identity, state: state)
        remembered.firstSeen = 900_000
        remembered.firstSeenExited = state == .running ? nil : 950_000
        remembered.deadline = state == .running ? nil : 950_000 + 4 * 3_600_000
        remembered.reason = "looks crashed"
        var api = W([remembered])
        let resumed = api.watcher.resume(now: api.now)
        switch state {
        case .running:
            #expect(resumed.isEmpty)
            #expect(api.list(.running, []).described == ["a"], "it may have ended while nobody watched")
            #expect(api.describe("a", .found(W.sighting("a", .exited))).ended.first?.crashed == true)
        case .pending:
            #expect(resumed.ended.first?.deadline == Int64(15_350_000), "the deadline is kept across a restart")
            #expect(resumed.ended.first?.evidence == .resumed)
            #expect(api.list(.all, [W.sighting("a", .exited)]).isEmpty)
        case .harvested, .partial, .skipped, .lost:
            #expect(resumed.isEmpty)
            #expect(api.list(.all, [W.sighting("a", .exited)]).isEmpty, "what is done is not fetched again")
            #expect(api.list(.running, []).isEmpty)
        }
    }

    @Test func finishedSessionsAreForgottenLongAfterTheirDeadline() {
        var api = W()
        _ = api.list(.all, [W.sighting("a", .exited)])
        _ = api.watcher.handle(.settled(key: "a"), now: api.now)
        _ = api.list(.all, [])
        #expect(api.watcher.tracked == 1)
        _ = api.list(.all, [W.sighting("a", .exited)], after: 6 * 3_600_000)
        #expect(api.watcher.tracked == 1, "still listed: forgetting it would harvest it twice")
        _ = api.list(.all, [])
        #expect(api.watcher.tracked == 0)
    }
}
