import Catalog
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing

@testable import Harvest

/// Downloads that this machine could not pack wait in the spool without a limit and are not requested again.
@Suite struct PackingTests {
    private static let fault = HarvestError(.init(rawValue: "ingest_killed"), "the confined process was killed")
    private static let bodies = ["logs": "x", "/saved": "s", "/crashes": "c"]

    private static func quick(_ settings: inout Fetcher.Settings) { settings.packing = Backoff(base: 20, cap: 100) }

    @Test func aPassingFaultIsGotOverWithinThePass() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(Self.bodies)])
        fleet.model.withLock { $0.ingestFaults = [HarvestError(.storeUnusable, "full"), Self.fault] }
        let summary = try await RunnerTests.harvest(fleet, store, change: Self.quick)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(summary.unfinished == 0 && !summary.isPartial)
        #expect(store.spooled.isEmpty)
    }

    @Test func whatCannotBePackedWaitsBeyondTheDeadlineAndIsNotAskedForAgain() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(Self.bodies), "b": RunnerTests.session(Self.bodies)])
        fleet.model.withLock { $0.ingestFaults = Array(repeating: Self.fault, count: 1000) }
        let events = Mutex<[String]>([])
        let observer = HarvestObserver(event: { event in
            if case .quarantined(let session, _, _) = event { events.withLock { $0.append(session) } }
        })
        let brief = RunnerTests.two + "retention: 60s\n"
        let first = try await RunnerTests.harvest(fleet, store, brief, observer: observer, change: Self.quick)
        #expect(first.unfinished == 2 && first.progress.done.isEmpty)
        #expect(first.localTrouble?.contains("killed") == true && first.noRoom == nil && first.catalogTrouble == nil)
        let tries = fleet.model.withLock { $0.ingested.count }
        #expect(tries == 8, "as many tries as a pass makes, for each session")
        #expect(try RunnerTests.record(store, "a")?.state == .pending)
        #expect(try RunnerTests.record(store, "a")?.reason?.contains("wait in the spool") == true)
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.reason?.contains("killed") == true)

        // The containers are gone, and the deadline is long over.
        let asked = fleet.model.withLock { model in
            for id in model.sessions.keys { model.sessions[id]?.gone = true }
            return model.requests.count
        }
        try Self.shiftDeadline(store, ["a", "b"])
        let second = try await RunnerTests.harvest(fleet, store, brief, observer: observer, change: Self.quick)
        #expect(second.unfinished == 2 && second.progress.done.isEmpty)
        #expect(try RunnerTests.record(store, "b")?.state == .pending)

        fleet.model.withLock { $0.ingestFaults = [] }
        let third = try await RunnerTests.harvest(fleet, store, brief, observer: observer, change: Self.quick)
        #expect(third.progress.done == [.harvested: 2])
        #expect(third.unfinished == 0 && third.localTrouble == nil)
        let downloads = fleet.model.withLock { $0.requests.dropFirst(asked) }
        #expect(!downloads.contains { $0.hasPrefix("/") || $0.hasPrefix("logs") }, "\(downloads)")
        #expect(events.withLock { $0 }.isEmpty)
        #expect(store.spooled.isEmpty)
    }

    @Test func oneArtifactWaitsAndTheOthersArePacked() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(Self.bodies)])
        fleet.model.withLock { $0.ingestWaits = ["/saved": 1000] }
        let first = try await RunnerTests.harvest(fleet, store, change: Self.quick)
        #expect(first.unfinished == 1 && first.localTrouble != nil)
        #expect(fleet.model.withLock { $0.contents["a"]?.keys.sorted() } == ["/crashes", "logs"])
        #expect(store.spooled.count == 2, "the manifest and the one download: \(store.spooled)")
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .pending)
        #expect(try RunnerTests.rows(store, "a")["logs"]?.state == .collected)
        fleet.model.withLock { $0.ingestWaits = [:] }
        let second = try await RunnerTests.harvest(fleet, store, change: Self.quick)
        #expect(second.progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?.count } == 3)
        #expect(fleet.model.withLock { $0.requests.count { $0 == "/saved a" } } == 1)
    }

    @Test func aSessionThatTheLedgerCallsLostIsTakenUpFromTheSpool() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(Self.bodies)])
        fleet.model.withLock { $0.ingestFaults = Array(repeating: Self.fault, count: 1000) }
        _ = try await RunnerTests.harvest(fleet, store, change: Self.quick)
        let catalog = try Catalog.open(store: store.path)
        var batch = LedgerBatch()
        batch.sessions.append(SessionUpdate(session: "a", state: .lost, reason: "said by somebody"))
        try catalog.record(batch)
        catalog.close()
        fleet.model.withLock { $0.ingestFaults = [] }
        let summary = try await RunnerTests.harvest(fleet, store, change: Self.quick)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(try RunnerTests.record(store, "a")?.state == .harvested)
    }

    @Test func triesGrowRarerAndNeverStop() {
        var fetching = Fetching { $0.packing = Backoff(base: 1000, cap: 8000) }
        _ = fetching.add(Fetching.job("a"))
        _ = fetching.next()
        var actions = fetching.finish("a", Attempt(.complete, status: 200, bytes: 10))
        var longest: Int64 = 0
        var tries = 0
        // Far beyond the deadline at 15,000,000.
        while fetching.now < 40_000_000 {
            #expect(actions.contains { if case .ingest = $0 { true } else { false } }, "\(actions)")
            tries += 1
            actions = fetching.fetcher.packFailed(key: "a", "killed", now: fetching.now)
            #expect(actions.contains(.postponed(key: "a", reason: "killed")) && actions.settled == nil)
            #expect(fetching.fetcher.outcomes(of: "a")?.first?.state == .pending)
            let before = fetching.now
            actions = []
            while actions.isEmpty, let wakeup = fetching.fetcher.wakeup(now: fetching.now) {
                fetching.now = max(fetching.now + 1, wakeup)
                actions = fetching.fetcher.next(now: fetching.now)
            }
            if tries > 6 { longest = max(longest, fetching.now - before) }
        }
        #expect(longest > 4000 && longest <= 8001, "\(longest)")
        let settled = fetching.pack("a", [0: .collected]).settled
        #expect(settled?.0 == .harvested)
    }

    @Test func aCutDownloadThatIsInNoPackYetIsNotTheLastWord() {
        var fetching = Fetching()
        _ = fetching.add(Fetching.job("a"))
        _ = fetching.next()
        _ = fetching.finish("a", Attempt(.cut("closed"), status: 200, bytes: 10))
        _ = fetching.next(after: 20_000_000)
        // Given up at its deadline and being packed: if the run is killed now, the ledger must not call it settled.
        #expect(fetching.fetcher.outcomes(of: "a")?.first?.state == .pending)
        _ = fetching.fetcher.packFailed(key: "a", "killed", now: fetching.now)
        #expect(fetching.fetcher.outcomes(of: "a")?.first?.state == .pending)
    }

    @Test func theCommitRecordsTheStateThatTheSessionSettlesIn() {
        var fetching = Fetching()
        _ = fetching.add(Fetching.job("a", [FetchItem("logs"), FetchItem("/saved")]))
        _ = fetching.next()
        _ = fetching.finish("a", 0, FetcherTests.good)
        _ = fetching.finish("a", 1, FetcherTests.good)
        let commit = fetching.publish("a", [0: .collected, 1: .absent], "no entries").commit
        #expect(commit?.state == .harvested && commit?.reason == nil)
        #expect(commit?.rows.map(\.state) == [.collected, .absent])
        // If the run is killed now, the ledger must not call it settled.
        #expect(fetching.fetcher.outcomes(of: "a")?.map(\.state) == [.pending, .pending])
        let done = fetching.fetcher.committed(key: "a", now: fetching.now)
        guard case .settled("a", .harvested, let outcomes, isCommitted: true) = done.last else {
            Issue.record("\(done)")
            return
        }
        #expect(outcomes == commit?.rows)
        #expect(done.count == 1, "nothing is left to record: \(done)")
        #expect(fetching.fetcher.committed(key: "a", now: fetching.now).isEmpty)
    }

    @Test func whatEndsWhileAPackIsCommittedIsRecordedAfterwards() {
        var fetching = Fetching()
        _ = fetching.add(Fetching.job("a", [FetchItem("logs"), FetchItem("/saved")]))
        _ = fetching.next()
        for _ in 0..<2 {
            _ = fetching.finish("a", 1, Attempt(.refused(413)))
            #expect(fetching.untilDownload("a", 1) != nil)
        }
        #expect(fetching.finish("a", 0, FetcherTests.good).ingests == [[0]], "the other has failed twice")
        #expect(fetching.publish("a", [0: .collected]).commit?.state == .pending)
        let last = fetching.finish("a", 1, Attempt(.refused(413)))
        #expect(last.settled == nil && last.ingests.isEmpty, "it waits for the commit")
        let done = fetching.fetcher.committed(key: "a", now: fetching.now)
        guard case .settled("a", .partial, let outcomes, isCommitted: false) = done.last else {
            Issue.record("\(done)")
            return
        }
        #expect(outcomes.map(\.state) == [.collected, .failed])
    }

    @Test func aCommitThatFailsIsTriedAgainWithoutAnotherPack() {
        var fetching = Fetching { $0.packing = Backoff(base: 1000, cap: 8000) }
        _ = fetching.add(Fetching.job("a"))
        _ = fetching.next()
        _ = fetching.finish("a", FetcherTests.good)
        let first = fetching.publish("a", [0: .collected]).commit
        for _ in 0..<5 {
            let failed = fetching.fetcher.commitFailed(key: "a", "locked", now: fetching.now)
            #expect(failed == [.postponed(key: "a", reason: "locked")])
            #expect(fetching.fetcher.outcomes(of: "a")?.first?.reason == "waiting in the spool: locked")
            #expect(fetching.next().isEmpty)
            fetching.now = fetching.fetcher.wakeup(now: fetching.now) ?? fetching.now
            let again = fetching.next()
            #expect(again.commit == first && again.ingests.isEmpty)
        }
        #expect(fetching.fetcher.committed(key: "a", now: fetching.now).settled?.0 == .harvested)
    }

    @Test func inASinglePassACommitThatKeepsFailingRests() {
        var fetching = Fetching { $0.triesPerPass = 2 }
        _ = fetching.add(Fetching.job("a", [FetchItem("/saved")]))
        _ = fetching.next()
        _ = fetching.finish("a", FetcherTests.good)
        // It lacks something, but whether to fetch it again is decided after the commit.
        #expect(fetching.publish("a", [0: .incomplete], "cut").commit?.state == .pending)
        #expect(fetching.fetcher.commitFailed(key: "a", "locked", now: fetching.now).count == 1)
        let rested = fetching.fetcher.commitFailed(key: "a", "locked", now: fetching.now)
        guard case .rested("a", let outcomes) = rested.last else {
            Issue.record("\(rested)")
            return
        }
        #expect(outcomes.map(\.state) == [.pending])
        #expect(fetching.fetcher.pending == 0)
    }

    @Test func anArchiveFoundLackingAfterTheDeadlineIsTheLastWord() {
        var fetching = Fetching()
        _ = fetching.add(Fetching.job("a", due: fetching.now + 60_000, [FetchItem("/saved")]))
        _ = fetching.next()
        _ = fetching.next(after: 120_000)
        #expect(fetching.finish("a", FetcherTests.good).ingests == [[0]])
        let commit = fetching.publish("a", [0: .incomplete], "no end-of-archive blocks").commit
        #expect(commit?.state == .partial && commit?.rows.first?.state == .incomplete)
        #expect(fetching.fetcher.committed(key: "a", now: fetching.now).settled?.0 == .partial)
    }

    @Test func theRowsOfACommitKeepThePacksOrderAndItsFindings() {
        var fetching = Fetching()
        let collected = ArtifactEntry(artifact: "/saved", state: .collected, tries: 1, bytes: 5)
        _ = fetching.add(Fetching.job("a", [FetchItem("logs"), FetchItem("/saved", earlier: collected)]))
        _ = fetching.next()
        _ = fetching.finish("a", 0, FetcherTests.good)
        let rows = [
            ArtifactEntry(artifact: "by-hand.tar", state: .collected, verdict: "ok"),
            ArtifactEntry(
                artifact: "/saved", state: .incomplete, reason: "the earlier pack is damaged", verdict: "ok",
                flags: ["earlier_pack_damaged"]),
            ArtifactEntry(artifact: "logs", state: .collected, verdict: "ok", flags: ["redacted=2"]),
        ]
        let commit = fetching.fetcher.packed(key: "a", rows, now: fetching.now).commit
        #expect(commit?.rows.map(\.artifact) == ["by-hand.tar", "/saved", "logs"])
        #expect(commit?.rows.map(\.verdict) == ["ok", "ok", "ok"])
        #expect(commit?.rows.last?.flags == ["redacted=2"] && commit?.rows.last?.tries == 1)
        #expect(commit?.rows[1].state == .incomplete && commit?.rows[1].bytes == 5)
        #expect(commit?.state == .partial && commit?.reason == "/saved: the earlier pack is damaged")
    }

    @Test func aWithdrawnSessionsPackIsNotCommittedAsItsState() {
        var fetching = Fetching()
        _ = fetching.add(Fetching.job("a"))
        _ = fetching.next()
        _ = fetching.finish("a", FetcherTests.good)
        fetching.fetcher.withdraw(key: "a")
        #expect(fetching.publish("a", [0: .collected]).isEmpty)
        #expect(!fetching.fetcher.isCommitting("a"))
    }

    @Test func theBudgetOfOpenFilesFitsWhatIsAllowed() {
        var limits = Configuration.Limits()
        let usual = DescriptorBudget(limit: 65_536, open: 20, limits: limits)
        #expect(usual.downloads == limits.concurrency && usual.ingests == limits.ingests && !usual.isTight)
        #expect(usual.followers == limits.followers)
        limits.concurrency = 64
        limits.ingests = 8
        for limit in 30...400 {
            let budget = DescriptorBudget(limit: limit, open: 12, limits: limits)
            #expect(budget.downloads >= 1 && budget.ingests >= 1 && budget.describes >= 1)
            let used =
                12 + DescriptorBudget.margin + budget.downloads * DescriptorBudget.perDownload + budget.ingests
                * DescriptorBudget.perIngest + budget.followers * DescriptorBudget.perFollower
            #expect(budget.isTight || used <= limit, "\(limit): \(budget)")
        }
    }

    @Test func aReloadKeepsWithinTheFilesThatTheSystemAllows() async throws {
        let store = TemporaryStore()
        let catalog = try Catalog.open(store: store.path)
        let fleet = Fleet()
        let runner = HarvestRunner(
            configuration: try Configuration.parse("limits: { concurrency: 2, ingests: 1 }\n"), store: store.path,
            lock: try StoreLock(store: store.path),
            parts: HarvestRunner.Parts(
                source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet))
        let small = DescriptorBudget(limit: 64, open: 16, limits: runner.configuration.limits)
        runner.state.withLock { $0.budget = small }
        runner.reload(try Configuration.parse("limits: { concurrency: 64, ingests: 16, followers: 500 }\n"))
        let (settings, budget) = runner.state.withLock { ($0.fetcher.settings, $0.budget) }
        #expect(settings.concurrency == budget.downloads && settings.describes == budget.describes)
        let used =
            16 + DescriptorBudget.margin + budget.downloads * DescriptorBudget.perDownload + budget.ingests
            * DescriptorBudget.perIngest + budget.followers * DescriptorBudget.perFollower
        #expect(used <= 64, "\(budget)")
        // Smaller bounds apply unchanged.
        runner.reload(try Configuration.parse("limits: { concurrency: 1 }\n"))
        #expect(runner.state.withLock { $0.fetcher.settings.concurrency } == 1)
        catalog.close()
    }

    private static func shiftDeadline(_ store: TemporaryStore, _ sessions: [String]) throws {
        let catalog = try Catalog.open(store: store.path)
        defer { catalog.close() }
        var batch = LedgerBatch()
        for session in sessions {
            var update = SessionUpdate(session: session, state: .pending)
            update.seenExited = 1_700_000_000_000
            update.deadline = 1_700_000_060_000
            batch.sessions.append(update)
        }
        try catalog.record(batch)
    }
}
