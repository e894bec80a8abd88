import Catalog
import Pack
import Synchronization
import Testing

@testable import Harvest

/// What this machine could not pack waits in the spool, however long, and is not asked for again.
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
            actions = fetching.fetcher.ingestDeferred(key: "a", "killed", now: fetching.now)
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
        let settled = fetching.fetcher.ingested(
            key: "a", [0: IngestVerdict(complete: true)], now: fetching.now
        ).settled
        #expect(settled?.0 == .harvested)
    }

    @Test func aCutDownloadThatIsInNoPackYetIsNotTheLastWord() {
        var fetching = Fetching()
        _ = fetching.add(Fetching.job("a"))
        _ = fetching.next()
        _ = fetching.finish("a", Attempt(.cut("closed"), status: 200, bytes: 10))
        _ = fetching.next(after: 20_000_000)
        // Given up at its deadline and being packed: were the run killed now, the ledger must not call it settled.
        #expect(fetching.fetcher.outcomes(of: "a")?.first?.state == .pending)
        _ = fetching.fetcher.ingestDeferred(key: "a", "killed", now: fetching.now)
        #expect(fetching.fetcher.outcomes(of: "a")?.first?.state == .pending)
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
            parts: HarvestRunner.Parts(source: fleet, catalog: catalog, ingest: fleet))
        let small = DescriptorBudget(limit: 64, open: 16, limits: runner.configuration.limits)
        runner.state.withLock { $0.budget = small }
        runner.reload(try Configuration.parse("limits: { concurrency: 64, ingests: 16, followers: 500 }\n"))
        let (settings, budget) = runner.state.withLock { ($0.fetcher.settings, $0.budget) }
        #expect(settings.concurrency == budget.downloads && settings.describes == budget.describes)
        let used =
            16 + DescriptorBudget.margin + budget.downloads * DescriptorBudget.perDownload + budget.ingests
            * DescriptorBudget.perIngest + budget.followers * DescriptorBudget.perFollower
        #expect(used <= 64, "\(budget)")
        // Smaller bounds count as they are.
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
