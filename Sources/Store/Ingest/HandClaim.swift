import Catalog
import Clocks
import Dispatch
import Glibc
import Harvest
import Model

/// A session of a shared store that this process works on by hand. No harvester begins with it meanwhile, and one that would
/// publish a pack of it is refused. The lease is renewed until ``end()``.
final class HandClaim {
    /// What writes about the session must still be true for.
    let fence: WorkFence
    private let catalog: Catalog
    private let timer: any DispatchSourceTimer

    /// How long to wait for whoever works on the session, in milliseconds.
    private static let patience: Int64 = 30_000
    /// The interval between tries, in milliseconds.
    private static let tick: Int64 = 500

    /// Claims a session, once nobody works on it.
    ///
    /// - Parameters:
    ///   - catalog: a connection of its own: leases must not wait behind a commit.
    ///   - id: this machine's name among the harvesters.
    ///   - lease: how long the claim lasts without being renewed, in milliseconds.
    /// - Throws: ``StoreError`` with `sessionClaimed` if somebody works on it for longer than this waits; `CatalogError`.
    init(_ session: String, in catalog: Catalog, by id: String, lease: Int64) throws {
        let owner = HarvesterName(byHand: "\(id)/ingest-\(getpid())").owner
        let end = MonotonicClock.milliseconds() + Self.patience
        var claim = try catalog.acquire([WorkOffer(byHand: session)], by: owner, lease: lease).first
        while claim == nil {
            guard MonotonicClock.milliseconds() < end else {
                throw Self.refusal(session, try catalog.claimant(of: session))
            }
            usleep(UInt32(Self.tick * 1000))
            claim = try catalog.acquire([WorkOffer(byHand: session)], by: owner, lease: lease).first
        }
        fence = WorkFence(session: session, owner: owner, epoch: claim?.epoch ?? -1)
        self.catalog = catalog
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "salvage.claim"))
        let interval = DispatchTimeInterval.milliseconds(Int(lease / 4))
        timer.schedule(deadline: .now() + interval, repeating: interval)
        // If it fails, the next one may not. A lease that is lost is found when the pack is committed.
        timer.setEventHandler { _ = try? catalog.renew(by: owner, lease: lease) }
        timer.resume()
    }

    deinit { end() }

    /// Leaves the session to the harvesters. If the catalog cannot be reached, the lease ends by itself.
    func end() {
        guard !timer.isCancelled else { return }
        timer.cancel()
        try? catalog.endClaim(byHand: fence)
    }

    private static func refusal(_ session: String, _ claimant: String?) -> StoreError {
        StoreError(
            .sessionClaimed, "\(claimant ?? "a harvester") works on session \(session); nothing was changed",
            session: session, hint: "try again when it is done: salvage show says so", kind: .tryAgain)
    }

    /// The error for a claim that was lost before the pack was recorded.
    var loss: StoreError {
        StoreError(
            .sessionClaimed,
            "another process works on session \(fence.session) by now, because this one could not keep its claim; nothing "
                + "was recorded", session: fence.session,
            hint: "try again; if this happens often, raise store.harvester.lease", kind: .tryAgain)
    }
}

extension Store {
    /// The shortest lease, in milliseconds, as for harvesters.
    private static let shortestLease: Int64 = 20_000

    /// Claims a session to work on it by hand; nil for a store in a folder, where the session's lock is enough.
    ///
    /// - Throws: as ``HandClaim/init(_:in:by:lease:)``; `HarvestError` if this machine's name cannot be kept.
    func claimByHand(_ session: String) throws -> HandClaim? {
        guard case .shared(let shared) = address else { return nil }
        return try HandClaim(
            session, in: try openCatalog(readOnly: false), by: try harvesterID(),
            lease: max(Self.shortestLease, shared.harvester.lease))
    }

    /// This machine's name among the harvesters of a shared store.
    func harvesterID() throws(HarvestError) -> String {
        try HarvesterIdentity.find(address.shared?.harvester.id, folder: path)
    }
}
