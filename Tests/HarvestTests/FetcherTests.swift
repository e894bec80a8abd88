import Catalog
import Model
import Pack
import Testing

@testable import Harvest

/// Drives a fetcher by hand at simulated times.
struct Fetching {
    var fetcher: Fetcher
    var now: Int64 = 1_000_000

    init(_ change: (inout Fetcher.Settings) -> Void = { _ in }) {
        var settings = Fetcher.Settings()
        change(&settings)
        fetcher = Fetcher(settings: settings, seed: 7)
    }

    static func job(
        _ key: String, due: Int64 = 15_000_000, crashed: Bool = false, _ items: [FetchItem] = [FetchItem("logs")]
    ) -> FetchJob {
        FetchJob(key: key, id: key, deadline: due, notBefore: 900_000, crashed: crashed, items: items)
    }

    mutating func add(_ job: FetchJob) -> [Fetcher.Action] { fetcher.add(job, now: now) }

    mutating func next(after: Int64 = 0) -> [Fetcher.Action] {
        now += after
        return fetcher.next(now: now)
    }

    mutating func finish(_ key: String, _ attempt: Attempt) -> [Fetcher.Action] { finish(key, 0, attempt) }

    mutating func finish(_ key: String, _ item: Int, _ attempt: Attempt) -> [Fetcher.Action] {
        fetcher.finished(flight: fetcher.flight(of: key, item) ?? 0, attempt, now: now)
    }

    /// Publishes a pack in which the items have this state, without committing it.
    mutating func publish(_ key: String, _ states: [Int: ArtifactState], _ reason: String? = nil) -> [Fetcher.Action] {
        let names = fetcher.artifacts(of: key) ?? []
        let rows = names.indices.map { index in
            ArtifactEntry(artifact: names[index], state: states[index] ?? .pending, reason: reason)
        }
        return fetcher.packed(key: key, rows, now: now)
    }

    /// Publishes such a pack and commits it.
    mutating func pack(_ key: String, _ states: [Int: ArtifactState], _ reason: String? = nil) -> [Fetcher.Action] {
        _ = publish(key, states, reason)
        return fetcher.committed(key: key, now: now)
    }

    /// Advances the time to the fetcher's next wake-up until a download of the item starts.
    mutating func untilDownload(_ key: String, _ item: Int = 0, within: Int64 = 3_600_000) -> Int64? {
        let start = now
        while now - start <= within {
            let started = fetcher.next(now: now).contains { action in
                if case .download(_, key, _, item, _) = action { true } else { false }
            }
            if started { return now - start }
            guard let wakeup = fetcher.wakeup(now: now) else { return nil }
            now = max(now + 1, wakeup)
        }
        return nil
    }

    static func found(_ id: String, _ status: ObservedStatus) -> DescribeAnswer {
        .found(Sighting(SessionIdentity(id: id, image: "game"), status: status))
    }
}

extension [Fetcher.Action] {
    var downloads: [String] { compactMap { if case .download(_, let key, _, _, _) = $0 { key } else { nil } } }
    var settled: (SessionState, [ArtifactEntry])? {
        for case .settled(_, let state, let outcomes, _) in self { return (state, outcomes) }
        return nil
    }
    var commit: Fetcher.Commit? {
        for case .commit(_, let commit) in self { return commit }
        return nil
    }
    var ingests: [[Int]] { compactMap { if case .ingest(_, let items) = $0 { items } else { nil } } }
    var describes: [String] { compactMap { if case .describe(let id) = $0 { id } else { nil } } }
    var keeps: [Bool] { compactMap { if case .keep(_, _, let complete, _) = $0 { complete } else { nil } } }
}

@Suite struct FetcherTests {
    typealias F = Fetching
    static let good = Attempt(.complete, status: 200, bytes: 1000)

    @Test func aSessionIsFetchedIngestedAndSettled() {
        var f = F()
        #expect(f.add(F.job("a", [FetchItem("logs"), FetchItem("/saved")])).isEmpty)
        #expect(f.next().downloads == ["a", "a"])
        #expect(f.finish("a", 0, Self.good).ingests.isEmpty, "one pack for both")
        let actions = f.finish("a", 1, Self.good)
        #expect(actions.ingests == [[0, 1]])
        let done = f.pack("a", [0: .collected, 1: .collected])
        #expect(done.settled?.0 == .harvested)
        #expect(done.settled?.1.map(\.state) == [.collected, .collected])
        #expect(done.settled?.1.map(\.tries) == [1, 1])
        #expect(f.fetcher.pending == 0)
    }

    @Test func earliestDeadlineFirstAndCrashedBeforeClean() {
        var f = F { $0.concurrency = 1 }
        for (key, due) in [("late", 9_000_000), ("early", 5_000_000), ("middle", 7_000_000)] as [(String, Int64)] {
            _ = f.add(F.job(key, due: due))
        }
        _ = f.add(F.job("crashed", due: 8_000_000, crashed: true))
        _ = f.add(F.job("equal", due: 5_000_000))
        _ = f.add(F.job("soon", due: 4_000_000))
        var order: [String] = []
        while let key = f.next(after: 1000).downloads.first {
            order.append(key)
            _ = f.finish(key, Self.good)
        }
        #expect(order == ["soon", "early", "equal", "crashed", "middle", "late"])
    }

    @Test func followersShareThePaceOfLogsAndStandBackBehindADeadline() {
        var f = F { $0.perMinute[.logs] = 20 }
        // A bucket of two.
        #expect(f.fetcher.admitFollower(now: f.now) == f.now)
        _ = f.add(F.job("a"))
        #expect(f.fetcher.admitFollower(now: f.now) > f.now, "a log that has a deadline goes first")
        #expect(f.next().downloads == ["a"])
        _ = f.add(F.job("b"))
        #expect(f.next().downloads.isEmpty, "the follower's request counts")
        #expect(f.next(after: 3000).downloads == ["b"])
        #expect(f.fetcher.admitFollower(now: f.now) == f.now + 3000)
        f.fetcher.followerRefused(until: f.now + 60_000)
        _ = f.add(F.job("c"))
        #expect(f.next(after: 30_000).downloads.isEmpty, "the rest that a follower was asked for holds for both")
        #expect(f.next(after: 30_000).downloads == ["c"])
    }

    @Test func concurrencyIsBounded() {
        var f = F { $0.concurrency = 3 }
        for number in 0..<10 { _ = f.add(F.job("s\(number)")) }
        #expect(f.next().downloads.count == 3)
        #expect(f.next().isEmpty)
        _ = f.finish("s0", Self.good)
        #expect(f.next().downloads.count == 1)
    }

    @Test func theTokenBucketPacesEachEndpointByItself() {
        var f = F {
            $0.concurrency = 1000
            $0.perMinute = [.logs: 60, .artifacts: 600, .describe: 60]
        }
        for number in 0..<100 { _ = f.add(F.job("s\(number)", [FetchItem("logs"), FetchItem("/saved")])) }
        var logs = 0
        var artifacts = 0
        for _ in 0..<60 {
            for case .download(_, _, _, let item, _) in f.next(after: 100) {
                if item == 0 { logs += 1 } else { artifacts += 1 }
            }
        }
        #expect(logs == 6 + 5, "a burst of a tenth of a minute, then one each second")
        #expect(artifacts == 100)
    }

    @Test func failuresAreRetriedWithGrowingJitterUntilTheDeadlineAndNotForANumberOfTries() throws {
        var f = F()
        _ = f.add(F.job("a", due: f.now + 3_600_000))
        var delays: [Int64] = []
        while let delay = f.untilDownload("a") {
            delays.append(delay)
            let actions = f.finish("a", Attempt(.refused(503), identifier: "trace"))
            if let settled = actions.settled {
                #expect(settled.0 == .lost)
                #expect(settled.1.first?.status == 503)
                #expect(settled.1.first?.identifier == "trace")
                break
            }
        }
        #expect(delays.count > 60, "an hour of tries at about half a minute on average")
        #expect(delays.dropFirst().prefix(3).allSatisfy { $0 <= 8000 })
        #expect(delays.allSatisfy { $0 <= 120_000 })
        #expect(Set(delays).count > 30, "jittered")
        let leftOver = f.fetcher.wakeup(now: f.now) ?? Int64.max
        f.now = max(f.now, leftOver == Int64.max ? f.now : leftOver)
        _ = f.next()
        #expect(f.fetcher.pending == 0)
    }

    @Test func retryAfterIsHonouredForTheWholeEndpointButNotForEver() {
        var f = F { $0.concurrency = 1 }
        _ = f.add(F.job("a"))
        _ = f.add(F.job("b"))
        #expect(f.next().downloads == ["a"])
        _ = f.finish("a", Attempt(.refused(429), retryAfter: 20_000))
        #expect(f.next(after: 19_000).downloads.isEmpty)
        #expect(f.next(after: 1500).downloads.count == 1)
        _ = f.finish("b", Attempt(.refused(429), retryAfter: Int64.max))
        _ = f.finish("a", Attempt(.refused(429), retryAfter: Int64.max))
        #expect(f.untilDownload("a", within: 700_000) ?? Int64.max <= 660_000)
    }

    @Test(arguments: [401, 403])
    func aRefusedTokenPausesEverythingAndBurnsNothing(_ status: Int) {
        var f = F { $0.concurrency = 1 }
        _ = f.add(F.job("a"))
        _ = f.add(F.job("b", [FetchItem("/saved")]))
        _ = f.next()
        let actions = f.finish("a", Attempt(.refused(status), identifier: "trace"))
        let pauses = actions.compactMap { if case .paused(let pause) = $0 { pause } else { nil } }
        #expect(pauses.first?.status == status)
        #expect(pauses.first?.identifier == "trace")
        #expect(pauses.first?.message.contains(status == 401 ? "token" : "logs:read") == true)
        #expect(f.next(after: 30_000).isEmpty)
        #expect(f.fetcher.outcomes(of: "a")?.first?.tries == 0)
        let probe = f.next(after: 31_000).downloads
        #expect(probe == ["b"], "one request asks whether it works again")
        #expect(f.next().isEmpty)
        #expect(f.finish("b", Self.good).contains(.resumed))
        #expect(f.fetcher.outcomes(of: "b")?.first?.tries == 1)
        #expect(f.next().downloads == ["a"])
    }

    @Test func aMissingPathIsAbsentAfterASecondConfirmation() {
        var f = F()
        _ = f.add(F.job("a", [FetchItem("/crashes")]))
        _ = f.next()
        _ = f.finish("a", Attempt(.refused(404), identifier: "one"))
        #expect(f.next().describes == ["a"])
        #expect(f.fetcher.described(id: "a", F.found("a", .exited), now: f.now).settled == nil)
        #expect(f.next(after: 1500).downloads.isEmpty, "confirmations are spaced")
        #expect(f.next(after: 1000).downloads == ["a"])
        _ = f.finish("a", Attempt(.refused(404), identifier: "two"))
        #expect(f.next().describes == ["a"])
        let actions = f.fetcher.described(id: "a", F.found("a", .exited), now: f.now)
        #expect(actions.settled?.0 == .harvested)
        #expect(actions.settled?.1.first?.state == .absent)
        #expect(actions.settled?.1.first?.identifier == "two")
    }

    @Test func aMissingContainerIsLostAfterASecondConfirmation() {
        var f = F()
        _ = f.add(F.job("a"))
        _ = f.next()
        for round in 0..<2 {
            _ = f.finish("a", Attempt(.refused(404)))
            #expect(f.next().describes == ["a"])
            let actions = f.fetcher.described(id: "a", .notFound(identifier: "gone"), now: f.now)
            if round == 1 {
                #expect(actions.settled?.0 == .lost)
                #expect(actions.settled?.1.first?.state == .lost)
                #expect(actions.settled?.1.first?.identifier == "gone")
            } else {
                #expect(f.next(after: 29_000).isEmpty)
                #expect(f.next(after: 1000).downloads == ["a"])
            }
        }
    }

    @Test func a404OfASessionThatRunsHandsItBack() {
        var f = F()
        _ = f.add(F.job("a"))
        _ = f.next()
        _ = f.finish("a", Attempt(.refused(404)))
        _ = f.next()
        #expect(f.fetcher.described(id: "a", F.found("a", .running), now: f.now) == [.returned(key: "a")])
        #expect(f.fetcher.pending == 0)
    }

    @Test func a404WhileTheHostIsUnreachableProvesNothing() {
        var f = F()
        _ = f.add(F.job("a"))
        for _ in 0..<5 {
            #expect(f.untilDownload("a") != nil)
            _ = f.finish("a", Attempt(.refused(404)))
            _ = f.next(after: 1000)
            #expect(f.fetcher.described(id: "a", F.found("a", .serverUnreachable), now: f.now).settled == nil)
        }
    }

    @Test func theBetterPartialCopyIsKept() {
        var f = F()
        _ = f.add(F.job("a", due: f.now + 600_000, [FetchItem("/core")]))
        #expect(f.untilDownload("a") != nil)
        #expect(f.finish("a", Attempt(.cut("closed"), status: 200, bytes: 500)).keeps == [false])
        #expect(f.untilDownload("a") != nil)
        let worse = f.finish("a", Attempt(.cut("closed"), status: 200, bytes: 300))
        #expect(worse.contains(.discard(key: "a", item: 0)))
        #expect(worse.ingests == [[0]], "what there is goes into a pack rather than waiting four hours")
        _ = f.pack("a", [0: .incomplete])
        #expect(f.untilDownload("a") != nil)
        #expect(f.finish("a", Attempt(.refused(502))).settled == nil)
        f.now += 700_000
        let outcome = f.next().settled
        #expect(outcome?.0 == .partial)
        #expect(outcome?.1.first?.state == .incomplete)
        #expect(outcome?.1.first?.bytes == 500)
        #expect(outcome?.1.first?.reason?.contains("500 bytes") == true)
    }

    @Test func aBodyThatAlwaysEndsAtTheSameByteIsGivenUpAfterAWhile() {
        var f = F()
        _ = f.add(F.job("a", due: f.now + 14_400_000, [FetchItem("/core")]))
        let start = f.now
        var outcome: (SessionState, [ArtifactEntry])?
        while outcome == nil, f.untilDownload("a") != nil {
            let actions = f.finish("a", Attempt(.cut("closed"), status: 200, bytes: 500))
            outcome = actions.settled
            if !actions.ingests.isEmpty {
                let next = f.pack("a", [0: .incomplete])
                outcome = outcome ?? next.settled
            }
        }
        #expect(outcome?.0 == .partial)
        #expect(outcome?.1.first?.state == .incomplete)
        #expect(outcome?.1.first?.reason?.contains("same byte") == true)
        #expect(f.now - start >= 600_000, "a proxy that fails for a while cuts at its buffer's size, too")
        #expect(f.now - start < 900_000)
    }

    @Test func aShorterCompleteBodyDoesNotDropALongerCutOne() {
        var f = F()
        _ = f.add(F.job("a", [FetchItem("/core")]))
        _ = f.next()
        _ = f.finish("a", Attempt(.cut("closed"), status: 200, bytes: 500))
        #expect(f.untilDownload("a") != nil)
        let actions = f.finish("a", Attempt(.complete, status: 200, bytes: 400))
        #expect(actions.contains(.keep(key: "a", item: 0, complete: true, replaces: false)))
    }

    @Test func anArchiveThatIngestFindsLackingIsFetchedAgainAndBelievedTheSecondTime() {
        var f = F()
        _ = f.add(F.job("a", [FetchItem("/saved")]))
        _ = f.next()
        _ = f.finish("a", Self.good)
        let lacking = "no end-of-archive blocks"
        #expect(f.pack("a", [0: .incomplete], lacking).settled == nil)
        #expect(f.untilDownload("a") != nil)
        #expect(f.finish("a", Self.good).ingests == [[0]])
        let outcome = f.pack("a", [0: .incomplete], lacking).settled
        #expect(outcome?.0 == .partial)
        #expect(outcome?.1.first?.state == .incomplete)
        #expect(outcome?.1.first?.reason?.hasPrefix("no end-of-archive blocks") == true)
    }

    @Test func samplingOfCrashedSessionsWaitsForTheLog() {
        var f = F()
        let items = [FetchItem("logs"), FetchItem("/core", onlyIfCrashed: true)]
        _ = f.add(F.job("clean", items))
        _ = f.add(F.job("crashed", items))
        #expect(f.next().downloads == ["clean", "crashed"], "the logs only")
        let clean = f.finish("clean", 0, Attempt(.complete, status: 200, bytes: 9, looksCrashed: false))
        #expect(clean.ingests == [[0]])
        #expect(f.fetcher.outcomes(of: "clean")?.map(\.state) == [.pending, .skipped])
        _ = f.finish("crashed", 0, Attempt(.complete, status: 200, bytes: 9, looksCrashed: true))
        #expect(f.next().downloads == ["crashed"])
    }

    @Test func aLogThatCannotTellLetsTheRestThrough() {
        var f = F()
        _ = f.add(F.job("a", [FetchItem("logs", probe: true), FetchItem("/core", onlyIfCrashed: true)]))
        for _ in 0..<3 {
            #expect(f.untilDownload("a", 0) != nil)
            _ = f.finish("a", 0, Attempt(.refused(500)))
        }
        #expect(f.untilDownload("a", 1) != nil)
    }

    @Test func onePassRestsInsteadOfWaitingForHours() {
        var f = F { $0.triesPerPass = 3 }
        _ = f.add(F.job("a"))
        var rested: [ArtifactEntry] = []
        for _ in 0..<3 {
            #expect(f.untilDownload("a") != nil)
            for case .rested(_, let outcomes) in f.finish("a", Attempt(.refused(500))) { rested = outcomes }
        }
        #expect(rested.map(\.state) == [.pending])
        #expect(f.fetcher.pending == 0)
    }

    @Test func whatWasNeverAskedForIsAskedForEvenAfterItsDeadline() {
        var f = F()
        _ = f.add(F.job("a", due: f.now - 1))
        #expect(f.next().downloads == ["a"])
        #expect(f.finish("a", Attempt(.refused(503))).settled?.0 == .lost)
    }

    @Test func otherRefusalsAreFinalAfterThree() {
        var f = F()
        _ = f.add(F.job("a"))
        for round in 1...3 {
            #expect(f.untilDownload("a") != nil)
            let settled = f.finish("a", Attempt(.refused(413))).settled
            #expect((settled != nil) == (round == 3))
            if let settled { #expect(settled.1.first?.state == .failed) }
        }
    }

    @Test func whatTheLedgerSaysIsSettledIsNotAskedForAgain() {
        var f = F()
        let earlier = ArtifactEntry(artifact: "/saved", state: .collected, tries: 2, bytes: 10)
        _ = f.add(F.job("a", [FetchItem("logs"), FetchItem("/saved", earlier: earlier)]))
        #expect(f.next().downloads == ["a"])
        #expect(f.finish("a", 0, Self.good).ingests == [[0]])
        let settled = f.pack("a", [0: .collected]).settled
        #expect(settled?.0 == .harvested)
        #expect(settled?.1.last?.tries == 2)
    }

    @Test func anotherContainerUnderTheIdEndsTheFirst() {
        var f = F()
        _ = f.add(F.job("a", [FetchItem("logs"), FetchItem("/saved")]))
        _ = f.next()
        _ = f.finish("a", 0, Self.good)
        let flight = f.fetcher.flight(of: "a", 1) ?? 0
        let actions = f.fetcher.replaced(key: "a", now: f.now)
        #expect(actions.ingests == [[0]])
        let settled = f.pack("a", [0: .collected]).settled
        #expect(settled?.0 == .partial)
        #expect(settled?.1.map(\.state) == [.collected, .lost])
        #expect(f.fetcher.downloading == 1, "the request is still under way")
        #expect(f.fetcher.finished(flight: flight, Self.good, now: f.now) == [.discard(key: "a", item: 1)])
        #expect(f.fetcher.downloading == 0)
    }
}
