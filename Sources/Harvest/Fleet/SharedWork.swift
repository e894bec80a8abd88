public import Catalog
public import Model
public import Text

/// What the harvesters of a shared store do together: they share sessions by leases, jobs, and the rates of the API.
///
/// All calls block; the runner makes them on threads of its own. Every time is decided by the database's clock. An error
/// never means that a lease is lost: only what a call returns does, or `CatalogError` with `lease_lost`.
public protocol SharedWork: Sendable {
    /// How long a lease lasts without being renewed, in milliseconds.
    var lease: Int64 { get }
    /// The most logs that this harvester follows.
    var mostFollowed: Int { get }

    /// Enters this harvester; its earlier leases are free.
    ///
    /// - Parameter again: whether another process was found to use the same id, so that another id is needed.
    func join(again: Bool) throws -> HarvesterName
    /// Records that this harvester is alive; returns false when another process uses its id.
    func beat(_ name: HarvesterName) throws -> Bool
    /// When the server of the database started; another number means that it may lack the newest rows.
    func serverStart() throws -> Int64
    /// Ends this harvester; its leases are free.
    func leave(_ name: HarvesterName) throws
    /// The ids of the harvesters that were alive lately, this one included.
    func harvesters() throws -> [String]

    /// Offers sessions that ended to all harvesters.
    func offer(_ offers: [WorkOffer]) throws
    /// Claims up to `count` sessions.
    func claim(_ count: Int, by owner: String) throws -> [ClaimedWork]
    /// Claims certain sessions, as far as nobody else works on them.
    func acquire(_ offers: [WorkOffer], by owner: String) throws -> [ClaimedWork]
    /// Makes claimable what other harvesters left, and renews all leases of `owner`; returns the sessions still held.
    func renew(by owner: String) throws -> ByteDictionary<Int64>
    /// Gives claims back.
    func release(_ fences: [WorkFence]) throws
    /// Ends claims of sessions that are done already.
    func dismiss(_ fences: [WorkFence]) throws

    /// Takes or keeps a job that one harvester does at a time; see `Catalog.takeJob`.
    func takeJob(_ job: String, by owner: String, every: Int64?) throws -> Int64?
    /// Gives a job back.
    func endJob(_ job: String, by owner: String, done: Bool) throws

    /// Sets the rate of an endpoint, in requests per minute.
    func setRate(_ endpoint: String, perMinute: Int) throws
    /// Borrows requests; nil when the endpoint has no rate yet.
    func borrow(_ most: Int, from endpoint: String) throws -> RateLoan?
    /// Keeps all harvesters from making requests for a time, in milliseconds.
    func block(_ endpoint: String, for milliseconds: Int64) throws

    /// Of these sessions, those that are done.
    func settled(among sessions: [String]) throws -> [String]
    /// Of these sessions, those that do not run any more.
    func ended(among sessions: [String]) throws -> [String]
    /// The running sessions recorded since a time, in milliseconds since 1970, with their labels.
    func running(since: Int64) throws -> [SessionRecord]

    /// Records what this harvester may record, on the ledger's connection; returns the sessions whose leases were lost.
    func record(_ batch: SharedBatch, by owner: String, in catalog: Catalog) throws -> [String]
    /// Commits a published pack under its fence, on the ledger's connection.
    ///
    /// - Parameter superseded: the paths of earlier packs that it contains.
    func commit(
        _ contents: PackContents, from source: PackSource, fence: WorkFence, superseded: [String], in catalog: Catalog
    ) throws
}

/// The shared work of a store whose catalog is in PostgreSQL.
public struct CatalogWork: SharedWork {
    /// A connection of its own: leases must not wait behind long commits.
    private let catalog: Catalog
    private let id: String
    private let version: String
    /// How long a lease lasts without being renewed, in milliseconds.
    public let lease: Int64
    /// The most logs that this harvester follows.
    public let mostFollowed: Int

    /// How long ago a harvester was alive at most to count as one that follows logs, in milliseconds.
    public static let aliveWithin: Int64 = 15_000

    /// Makes the work of a harvester.
    ///
    /// - Parameters:
    ///   - catalog: the shared catalog, opened for this use alone.
    ///   - settings: the harvester's settings.
    ///   - id: its name among the harvesters; see ``HarvesterIdentity``.
    ///   - version: the version of salvage.
    public init(_ catalog: Catalog, _ settings: HarvesterSettings, id: String, version: String) {
        self.catalog = catalog
        self.id = id
        self.version = version
        lease = max(20_000, settings.lease)
        mostFollowed = max(0, settings.mostFollowed)
    }

    /// Enters this harvester.
    public func join(again: Bool) throws -> HarvesterName {
        var id = id
        if again { id += "~" + HarvesterIdentity.randomPart() }
        return try catalog.join(harvester: id, version: version)
    }

    /// Records that this harvester is alive.
    public func beat(_ name: HarvesterName) throws -> Bool { try catalog.beat(name) }
    /// When the server of the database started.
    public func serverStart() throws -> Int64 { try catalog.serverStart() }
    /// Ends this harvester.
    public func leave(_ name: HarvesterName) throws { try catalog.leave(name) }
    /// The harvesters that were alive lately.
    public func harvesters() throws -> [String] { try catalog.harvesters(within: Self.aliveWithin) }

    /// Offers sessions that ended.
    public func offer(_ offers: [WorkOffer]) throws { try catalog.offer(offers) }

    /// Claims up to `count` sessions.
    public func claim(_ count: Int, by owner: String) throws -> [ClaimedWork] {
        try catalog.claim(count, by: owner, lease: lease)
    }

    /// Claims certain sessions.
    public func acquire(_ offers: [WorkOffer], by owner: String) throws -> [ClaimedWork] {
        try catalog.acquire(offers, by: owner, lease: lease)
    }

    /// Renews all leases, and makes claimable what others left.
    public func renew(by owner: String) throws -> ByteDictionary<Int64> {
        // Its own first: a lease of its own that has just ended is still good if nobody took it.
        let held = try catalog.renew(by: owner, lease: lease)
        try catalog.expireLeases()
        return held
    }

    /// Gives claims back.
    public func release(_ fences: [WorkFence]) throws { try catalog.release(fences) }
    /// Ends claims of sessions that are done.
    public func dismiss(_ fences: [WorkFence]) throws { try catalog.dismiss(fences) }

    /// Takes or keeps a job.
    public func takeJob(_ job: String, by owner: String, every: Int64?) throws -> Int64? {
        try catalog.takeJob(job, by: owner, lease: lease, every: every)
    }

    /// Gives a job back.
    public func endJob(_ job: String, by owner: String, done: Bool) throws {
        try catalog.endJob(job, by: owner, done: done)
    }

    /// Sets the rate of an endpoint.
    public func setRate(_ endpoint: String, perMinute: Int) throws {
        try catalog.setRate(endpoint, perMinute: perMinute)
    }

    /// Borrows requests.
    public func borrow(_ most: Int, from endpoint: String) throws -> RateLoan? {
        try catalog.borrow(most, from: endpoint)
    }

    /// Keeps all harvesters from making requests.
    public func block(_ endpoint: String, for milliseconds: Int64) throws {
        try catalog.block(endpoint, for: milliseconds)
    }

    /// Of these sessions, those that are done.
    public func settled(among sessions: [String]) throws -> [String] { try catalog.settled(among: sessions) }
    /// Of these sessions, those that do not run any more.
    public func ended(among sessions: [String]) throws -> [String] { try catalog.ended(among: sessions) }
    /// The running sessions recorded since a time.
    public func running(since: Int64) throws -> [SessionRecord] { try catalog.running(since: since) }

    /// Records what this harvester may record.
    public func record(_ batch: SharedBatch, by owner: String, in catalog: Catalog) throws -> [String] {
        try catalog.record(batch, by: owner)
    }

    /// Commits a published pack under its fence.
    public func commit(
        _ contents: PackContents, from source: PackSource, fence: WorkFence, superseded: [String], in catalog: Catalog
    ) throws {
        try catalog.commit([contents], from: source, fence: fence, superseded: superseded)
    }
}
