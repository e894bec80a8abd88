import Bytes
import Catalog
import Model
import Pack
import Testing
import Text

@testable import Harvest

/// A fleet with faults drawn from a seed, driven through watcher and fetcher by a simulated clock.
struct Simulation {
    /// The states of a session's artifacts that its faults imply.
    enum Fate: CaseIterable {
        case clean
        case dead
        case restarts
        case pathAbsent
        case gone
        case goneHalfway
        case alwaysCut
        case alwaysFails
        case failsForAWhile
        case refusedForGood
        case lacking
        case unreachableForAWhile
        case neverListed
    }

    struct Session {
        var id: String
        var fate: Fate
        var starts: Int64
        var exits: Int64
        var removed: Int64
        var tries: [String: Int] = [:]
    }

    var random: SplitMix64
    var now: Int64 = 0
    var watcher = Watcher(settings: Simulation.watching)
    var fetcher: Fetcher
    var sessions: [String: Session] = [:]
    var order: [String] = []
    var settled: [String: (SessionState, [ArtifactEntry])] = [:]
    var exitedAt: [String: Int64] = [:]
    var starts: [Endpoint: [Int64]] = [:]
    var inFlight: [(at: Int64, action: Fetcher.Action)] = []
    var describes: [(at: Int64, id: String)] = []
    var describeCount = 0
    var mostInFlight = 0

    static let retention: Int64 = 1_800_000
    static let perMinute = 6000
    static var watching: Watcher.Settings {
        var settings = Watcher.Settings()
        settings.retention = retention
        return settings
    }

    init(seed: UInt64, count: Int) {
        random = SplitMix64(seed: seed)
        var settings = Fetcher.Settings()
        settings.concurrency = 16
        settings.perMinute = [.describe: 3000, .artifacts: Self.perMinute, .logs: Self.perMinute]
        fetcher = Fetcher(settings: settings, seed: seed ^ 1)
        for number in 0..<count {
            let fate = Fate.allCases[Int.random(in: 0..<Fate.allCases.count, using: &random)]
            let starts = Int64.random(in: 0..<600_000, using: &random)
            // Long enough to be in a list once: a session that was never seen cannot be missed.
            let exits =
                fate == .neverListed ? starts + 1 : starts + Int64.random(in: 60_000..<600_000, using: &random)
            var session = Session(
                id: "s\(number)", fate: fate, starts: starts, exits: exits, removed: exits + 4 * Self.retention)
            if fate == .gone { session.removed = exits }
            if fate == .goneHalfway { session.removed = exits + Int64.random(in: 0..<60_000, using: &random) }
            sessions[session.id] = session
        }
        order = sessions.keys.sorted()
    }

    func status(_ session: Session) -> ObservedStatus? {
        if now < session.starts || now >= session.removed { return nil }
        if session.fate == .unreachableForAWhile, now > session.exits - 500, now < session.exits + 120_000 {
            return .serverUnreachable
        }
        if session.fate == .restarts, now >= session.exits - 60_000, now < session.exits { return .restarting }
        if now < session.exits { return .running }
        return session.fate == .dead ? .dead : .exited
    }

    func sighting(_ session: Session, _ status: ObservedStatus) -> Sighting {
        Sighting(SessionIdentity(id: session.id, image: "game", created: session.starts), status: status)
    }

    mutating func list(_ kind: ListKind) {
        watch(.listBegan(kind))
        // One list in twenty is cut.
        let cut = Int.random(in: 0..<20, using: &random) == 0
        for id in cut ? Array(order.prefix(order.count / 2)) : order {
            guard let session = sessions[id], let status = status(session) else { continue }
            if kind == .running, status != .running { continue }
            let expected = watcher.expects(id: id, created: session.starts, status: status, now: now)
            if !expected { watch(.listed(sighting(session, status))) }
        }
        watch(.listEnded(kind, complete: !cut))
    }

    mutating func watch(_ event: Watcher.Event) {
        for action in watcher.handle(event, now: now) {
            switch action {
            case .describe(let id): fetcher.requestDescribe(id: id)
            case .exited(let session):
                exitedAt[session.key] = session.exitedAt
                let job = FetchJob(
                    key: session.key, id: session.identity.id, deadline: session.deadline,
                    notBefore: session.notBefore, crashed: session.crashed,
                    items: [FetchItem("logs"), FetchItem("/saved")])
                let actions = fetcher.add(job, now: now)
                fetch(actions)
            case .withdraw(let key): fetcher.withdraw(key: key)
            case .record, .replaced, .listAll: break
            }
        }
    }

    mutating func fetch(_ actions: [Fetcher.Action]) {
        for action in actions {
            switch action {
            case .download(_, _, _, let item, _):
                starts[item == 0 ? .logs : .artifacts, default: []].append(now)
                inFlight.append((now + Int64.random(in: 5...500, using: &random), action))
                mostInFlight = max(mostInFlight, inFlight.count)
            case .describe(let id):
                describeCount += 1
                describes.append((now + Int64.random(in: 5...200, using: &random), id))
            case .ingest(let key, let items):
                let lacking = sessions[key]?.fate == .lacking
                let names = fetcher.artifacts(of: key) ?? []
                let rows = items.map { item in
                    let bad = lacking && item == 1
                    return ArtifactEntry(
                        artifact: names[item], state: bad ? .incomplete : .collected, reason: bad ? "lacking" : nil)
                }
                fetch(fetcher.packed(key: key, rows, now: now))
            case .commit(let key, _):
                // The catalog is locked now and then.
                let fails = Int.random(in: 0..<20, using: &random) == 0
                fetch(
                    fails
                        ? fetcher.commitFailed(key: key, "locked", now: now) : fetcher.committed(key: key, now: now))
            case .settled(let key, let state, let outcomes, _):
                settled[key] = (state, outcomes)
                watch(.settled(key: key))
            case .returned(let key): watch(.returned(key: key))
            case .keep, .discard, .note, .postponed, .rested, .paused, .resumed: break
            }
        }
    }

    mutating func answer(_ id: String, _ artifact: String) -> Attempt {
        guard var session = sessions[id] else { return Attempt(.refused(404)) }
        session.tries[artifact, default: 0] += 1
        sessions[id] = session
        if now >= session.removed || now < session.exits || (artifact != "logs" && session.fate == .pathAbsent) {
            return Attempt(.refused(404), identifier: "trace")
        }
        // Every request may meet any fault now and then.
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return Attempt(.refused(502))
        case 1: return Attempt(.unreachable("reset"))
        case 2: return Attempt(.cut("closed"), status: 200, bytes: UInt64.random(in: 0..<900, using: &random))
        default: break
        }
        guard artifact != "logs" else { return Attempt(.complete, status: 200, bytes: 1000) }
        switch session.fate {
        case .alwaysCut: return Attempt(.cut("closed"), status: 200, bytes: UInt64.random(in: 1..<900, using: &random))
        case .alwaysFails: return Attempt(.refused(503), identifier: "trace")
        case .failsForAWhile where session.tries[artifact] ?? 0 < 8: return Attempt(.refused(420))
        case .refusedForGood: return Attempt(.refused(413))
        default: return Attempt(.complete, status: 200, bytes: 1000)
        }
    }

    mutating func run() {
        var nextRunning: Int64 = 0
        var nextAll: Int64 = 2500
        let end: Int64 = 3 * Self.retention
        while now < end, now < 1_300_000 || settled.count < sessions.count {
            if now >= nextRunning {
                list(.running)
                nextRunning = now + 5000
            }
            if now >= nextAll {
                list(.all)
                nextAll = now + 30_000
            }
            watch(.tick)
            for (index, download) in inFlight.enumerated().reversed() where download.at <= now {
                inFlight.remove(at: index)
                guard case .download(let flight, _, let id, _, let artifact) = download.action else { continue }
                let attempt = answer(id, artifact)
                fetch(fetcher.finished(flight: flight, attempt, now: now))
            }
            for (index, describe) in describes.enumerated().reversed() where describe.at <= now {
                describes.remove(at: index)
                var answer = DescribeAnswer.notFound(identifier: "gone")
                if let session = sessions[describe.id], let status = status(session) {
                    answer = .found(sighting(session, status))
                }
                if Int.random(in: 0..<10, using: &random) == 0 { answer = .failed }
                watch(.described(id: describe.id, answer))
                fetch(fetcher.described(id: describe.id, answer, now: now))
            }
            fetch(fetcher.next(now: now))
            now += 100
        }
    }
}

@Suite struct SimulationTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func everySessionEndsInTheStateThatItsFaultsImply(_ seed: UInt64) {
        var simulation = Simulation(seed: seed, count: 650)
        simulation.run()
        #expect(simulation.settled.count == 650, "seed \(seed)")
        for (id, session) in simulation.sessions {
            guard let (state, outcomes) = simulation.settled[id] else {
                Issue.record("seed \(seed): \(id) \(session.fate) never settled")
                continue
            }
            let saved = outcomes.first { $0.artifact == "/saved" }?.state
            let ok: Bool =
                switch session.fate {
                case .clean, .dead, .restarts, .failsForAWhile, .unreachableForAWhile, .neverListed:
                    state == .harvested && saved == .collected
                case .pathAbsent: state == .harvested && saved == .absent
                case .gone: state == .lost
                case .goneHalfway: [.harvested, .partial, .lost].contains(state)
                case .alwaysCut: state == .partial && saved == .incomplete
                case .alwaysFails: state == .partial && (saved == .lost || saved == .incomplete)
                case .refusedForGood: state == .partial && (saved == .failed || saved == .incomplete)
                case .lacking: state == .partial && saved == .incomplete
                }
            #expect(ok, "seed \(seed): \(id) \(session.fate) ended as \(state), \(outcomes)")
            for outcome in outcomes where outcome.state != .collected {
                #expect(outcome.reason?.isEmpty == false, "seed \(seed): \(outcome) says no reason")
            }
        }
    }

    @Test func theBoundsHoldThroughout() {
        var simulation = Simulation(seed: 99, count: 1300)
        simulation.run()
        #expect(simulation.mostInFlight <= 16)
        for (endpoint, times) in simulation.starts {
            // No minute has more requests than the rate and one burst.
            let most = Simulation.perMinute + Simulation.perMinute / 10
            var first = 0
            for (index, time) in times.enumerated() {
                while times[first] <= time - 60_000 { first += 1 }
                #expect(index - first + 1 <= most, "\(endpoint)")
            }
        }
        // The list of all sessions is enough for an ordinary session; only those that vanish or fail need a describe.
        #expect(simulation.describeCount < 3 * 1300)
    }

    @Test func exitsAllAtOnceAreFetchedInTheOrderOfTheirDeadlines() {
        var fetcher = Fetcher(seed: 5)
        var random = SplitMix64(seed: 6)
        for number in 0..<10_000 {
            let due = 10_000_000 + Int64.random(in: 0..<3_600_000, using: &random)
            let job = FetchJob(
                key: "s\(number)", id: "s\(number)", deadline: due, notBefore: 0, items: [FetchItem("/saved")])
            #expect(fetcher.add(job, now: 0).isEmpty)
        }
        var now: Int64 = 0
        var last = Int64.min
        var finished = 0
        while finished < 10_000, now < 10_000_000 {
            let started = fetcher.next(now: now)
            var batch: [Int64] = []
            for case .download(let flight, let key, _, _, _) in started {
                batch.append(fetcher.deadline(of: key) ?? 0)
                _ = fetcher.finished(flight: flight, Attempt(.complete, status: 200, bytes: 1), now: now)
                _ = fetcher.packed(key: key, [ArtifactEntry(artifact: "/saved", state: .collected)], now: now)
                _ = fetcher.committed(key: key, now: now)
                finished += 1
            }
            #expect(batch == batch.sorted())
            #expect(batch.first ?? last >= last)
            last = batch.last ?? last
            now += 50
        }
        #expect(finished == 10_000)
    }
}
