import Harvest
import Model
import Synchronization
import Text

@testable import Catalog

/// The shared work of harvesters in one process, in memory, with the rules of the database. Leases end when a test says so.
final class MemoryWork: SharedWork {
    struct Row {
        var offer: WorkOffer
        var owner: String?
        var epoch: Int64 = 0
    }

    struct Model {
        var rows: [String: Row] = [:]
        var jobs: [String: String] = [:]
        var names: [HarvesterName] = []
        var epochs: Int64 = 0
        /// Sessions whose commits were refused.
        var fenced: [String] = []
        var commits: [String] = []
        var superseded: [String] = []
        /// Whether every call fails, as when the database is away.
        var isAway = false
        var blocks: [String] = []
    }

    struct Away: Error {}

    let model: Mutex<Model>
    let lease: Int64
    let mostFollowed = 100
    private let id: String
    private let shared: MemoryWork?

    /// Makes a harvester's view; `shared` is that of another one, which shares everything.
    init(_ id: String, with shared: MemoryWork? = nil, lease: Int64 = 120_000) {
        self.id = id
        self.shared = shared
        self.lease = lease
        model = Mutex(Model())
    }

    private func with<Result>(_ body: (inout sending Model) throws -> sending Result) throws -> sending Result {
        try (shared ?? self).model.withLock { model in
            if model.isAway { throw Away() }
            return try body(&model)
        }
    }

    /// Ends a session's lease and gives it to another harvester, which does nothing with it.
    func take(_ session: String, for other: String) {
        (shared ?? self).model.withLock { model in
            model.epochs += 1
            model.rows[session]?.owner = other
            model.rows[session]?.epoch = model.epochs
        }
    }

    func join(again: Bool) throws -> HarvesterName {
        try with { model in
            let name = HarvesterName(id: id, start: Int64(model.names.count + 1))
            model.names.removeAll { $0.id == id }
            model.names.append(name)
            for (session, row) in model.rows where row.owner?.hasSuffix("/" + id) == true {
                model.rows[session]?.owner = nil
            }
            model.jobs = model.jobs.filter { !$0.value.hasSuffix("/" + id) }
            return name
        }
    }

    func beat(_ name: HarvesterName) throws -> Bool { try with { $0.names.contains(name) } }
    func serverStart() throws -> Int64 { 1 }

    func leave(_ name: HarvesterName) throws {
        try with { model in
            model.names.removeAll { $0 == name }
            for (session, row) in model.rows where row.owner == name.owner { model.rows[session]?.owner = nil }
            model.jobs = model.jobs.filter { $0.value != name.owner }
        }
    }

    func harvesters() throws -> [String] { try with { $0.names.map(\.id) } }

    func offer(_ offers: [WorkOffer]) throws {
        try with { model in
            for offer in offers where model.rows[offer.session] == nil { model.rows[offer.session] = Row(offer: offer) }
        }
    }

    func claim(_ count: Int, by owner: String) throws -> [ClaimedWork] {
        try with { model in
            let free = model.rows.filter { $0.value.owner == nil }.sorted { $0.key < $1.key }.prefix(count)
            return free.map { Self.give($0.key, owner, &model) }
        }
    }

    func acquire(_ offers: [WorkOffer], by owner: String) throws -> [ClaimedWork] {
        try with { model in
            var claims: [ClaimedWork] = []
            for offer in offers {
                let known = model.rows[offer.session]
                guard known?.owner == nil else { continue }
                if known == nil { model.rows[offer.session] = Row(offer: offer) }
                claims.append(Self.give(offer.session, owner, &model))
            }
            return claims
        }
    }

    private static func give(_ session: String, _ owner: String, _ model: inout Model) -> ClaimedWork {
        model.epochs += 1
        model.rows[session]?.owner = owner
        model.rows[session]?.epoch = model.epochs
        let offer = model.rows[session]?.offer
        return ClaimedWork(
            session: session, epoch: model.epochs, deadline: offer?.deadline ?? 0, facts: offer?.facts ?? "")
    }

    func renew(by owner: String) throws -> ByteDictionary<Int64> {
        try with { model in
            ByteDictionary(
                model.rows.filter { $0.value.owner == owner }.map { ($0.key, $0.value.epoch) },
                uniquingKeysWith: { $1 })
        }
    }

    func release(_ fences: [WorkFence]) throws {
        try with { model in
            for fence in fences where Self.holds(fence, model) { model.rows[fence.session]?.owner = nil }
        }
    }

    func dismiss(_ fences: [WorkFence]) throws {
        try with { model in
            for fence in fences where Self.holds(fence, model) { model.rows[fence.session] = nil }
        }
    }

    private static func holds(_ fence: WorkFence, _ model: Model) -> Bool {
        model.rows[fence.session]?.owner == fence.owner && model.rows[fence.session]?.epoch == fence.epoch
    }

    func takeJob(_ job: String, by owner: String, every: Int64?) throws -> Int64? {
        try with { model in
            guard model.jobs[job] == nil || model.jobs[job] == owner else { return nil }
            model.jobs[job] = owner
            return 1
        }
    }

    func endJob(_ job: String, by owner: String, done: Bool) throws { try with { $0.jobs[job] = nil } }
    func setRate(_ endpoint: String, perMinute: Int) throws {}
    func borrow(_ most: Int, from endpoint: String) throws -> RateLoan? { try with { _ in RateLoan(tokens: most) } }
    func block(_ endpoint: String, for milliseconds: Int64) throws { try with { $0.blocks.append(endpoint) } }
    func settled(among sessions: [String]) throws -> [String] { try with { _ in [] } }
    func ended(among sessions: [String]) throws -> [String] { try with { _ in [] } }
    func running(since: Int64) throws -> [SessionRecord] { try with { _ in [] } }

    func record(_ batch: SharedBatch, by owner: String, in catalog: Catalog) throws -> [String] {
        var standings: ByteDictionary<SharedStanding> = [:]
        for session in batch.sessions {
            let row = try with { $0.rows[session] }
            standings[session] = SharedStanding(
                owner: row?.owner, epoch: row?.epoch ?? 0, state: try catalog.session(session)?.state)
        }
        let (ledger, fenced) = batch.permitted(by: owner, standings)
        try catalog.record(ledger)
        try with { model in
            for session in batch.settled + batch.withdrawn where !fenced.contains(session) { model.rows[session] = nil }
        }
        return Array(fenced)
    }

    func commit(
        _ contents: PackContents, from source: PackSource, fence: WorkFence, superseded: [String], in catalog: Catalog
    ) throws {
        let holds = try with { model in
            let holds = Self.holds(fence, model)
            if holds { model.commits.append(fence.session) } else { model.fenced.append(fence.session) }
            return holds
        }
        guard holds else { throw CatalogError(code: .leaseLost, message: "lost", session: fence.session) }
        try catalog.commit(contents, from: source)
        let ends = source == .harvest && contents.facts.state.flatMap(SessionState.init(rawValue:))?.isFinal == true
        if ends { try with { $0.rows[fence.session] = nil } }
    }
}
