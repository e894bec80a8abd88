import Catalog
import Model
import Text

/// The part of a harvest's state that exists only in a shared store. Guarded by the same lock.
struct FleetState {
    /// This harvester.
    var name: HarvesterName
    var keeper: LeaseKeeper
    /// Sessions that ended and are not offered yet.
    var offers: [WorkOffer] = []
    /// Held sessions whose end is in the ledger's next batch.
    var settled = ByteSet()
    /// Sessions that run again.
    var withdrawn = ByteSet()
    /// Held sessions that a single pass tries no more.
    var resting = ByteSet()
    /// Sessions with downloads on this machine that it does not hold; they are claimed when they can be.
    var strays = ByteSet()
    /// Finished sessions that are claimed and about to be reopened, to fetch more of them.
    var reopening = ByteSet()
    /// When the database's server started, in microseconds since 1970; nil until it was asked.
    var server: Int64?
    /// Whether this harvester polls the lists.
    var polls = false
    /// Whether sessions are claimed at all: not by a pass over named sessions.
    var claims = true
    /// The number of downloads that the keeper was told of last.
    var concurrency: Int?
    /// The harvesters that follow logs.
    var harvesters: [String] = []
    let mostFollowed: Int
    /// The number of claims and offers under way.
    var taking = 0
    /// Whether the sessions that the spool has were asked for at least once.
    var askedForStrays = false
    /// Since when the shared catalog cannot be used, in milliseconds of a clock that never goes back.
    var troubleSince: Int64?

    init(name: HarvesterName, keeper: LeaseKeeper, mostFollowed: Int) {
        self.name = name
        self.keeper = keeper
        self.mostFollowed = mostFollowed
    }

    /// Whether a single pass has nothing left to claim.
    var isIdle: Bool {
        offers.isEmpty && taking == 0 && (!claims || keeper.isDry && askedForStrays)
    }

    /// Whether this harvester follows the log of a session.
    func follows(_ key: String) -> Bool {
        // Before the others are known, nothing is followed twice; a moment later they are.
        Rendezvous.choice(for: key, among: harvesters)?.hasSameBytes(as: name.id) ?? false
    }

    /// The fence of a held session; one that was never given when it is not held.
    func fence(_ key: String, epoch: Int64?) -> WorkFence {
        WorkFence(session: key, owner: name.owner, epoch: epoch ?? -1)
    }
}

extension HarvestState {
    /// Hands a session that ended to whichever harvester claims it, or begins it, if this one reopens it and holds it.
    mutating func offer(_ session: ExitedSession, _ now: Int64) {
        if fleet?.reopening.remove(session.key) != nil { return begin(session, now) }
        // It is being taken up, with what the spool has of it, or is fetched already.
        guard fleet?.keeper.epoch(of: session.key) == nil else { return }
        if session.evidence != .resumed { noteExit(session) }
        fleet?.offers.append(WorkOffer(session))
    }

    /// Begins a claimed session with what the ledger and this machine's spool know about it.
    mutating func begin(_ claimed: HarvestRunner.TakenClaim, _ now: Int64) {
        let key = claimed.session.key
        // Given up while the ledger was read.
        guard fleet?.keeper.epoch(of: key) == claimed.epoch, contexts[key] == nil else { return }
        fleet?.strays.remove(key)
        remembered[key] = claimed.rows
        packs[key] = claimed.pack
        leftovers[key] = claimed.files
        liveFiles[key] = claimed.followed
        if claimed.repacks { repacking.insert(key) }
        if let files = claimed.files, !files.isEmpty {
            observer.event(.recovered(session: key, files: files.count))
        }
        if claimed.isReopened {
            batch.sessions.append(
                SessionUpdate(session: key, state: .pending, reason: "downloads in the spool are not in a pack yet"))
        }
        begin(claimed.session, now)
    }

    /// Stops working on a session whose lease is lost. What was downloaded stays in the spool and is offered again.
    mutating func lose(_ key: String, _ why: String) {
        fetcher.withdraw(key: key)
        dirty.remove(key)
        packing.removeAll { work in
            switch work {
            case .ingest(let other, _), .commit(let other, _): other.hasSameBytes(as: key)
            case .download, .describe, .drop, .follow: false
            }
        }
        fleet?.settled.remove(key)
        fleet?.resting.remove(key)
        fleet?.strays.insert(key)
        parked[key] = nil
        guard contexts.removeValue(forKey: key) != nil else { return }
        observer.event(
            .storeTrouble(
                "session \(key) is left to other harvesters, because \(why); what was downloaded stays in the spool"))
    }

    /// Records that a session is done: its lease ends with the ledger's next batch, or has ended with the commit.
    mutating func endLease(_ key: String, isCommitted: Bool) {
        guard fleet != nil else { return }
        if isCommitted {
            _ = fleet?.keeper.handle(.settled(key), now: HarvestRunner.monotonic())
        } else {
            fleet?.settled.insert(key)
        }
    }

    /// Takes the pending updates with what they end.
    mutating func takeShared() -> SharedBatch {
        var shared = SharedBatch(takeBatch(), held: fleet?.keeper.epochs ?? [:])
        shared.settled = fleet.map { Array($0.settled) } ?? []
        shared.withdrawn = fleet.map { Array($0.withdrawn) } ?? []
        fleet?.settled = []
        fleet?.withdrawn = []
        return shared
    }

    /// Puts back what could not be written.
    mutating func restore(_ shared: SharedBatch) {
        restore(shared.ledger)
        for key in shared.settled { fleet?.settled.insert(key) }
        for key in shared.withdrawn { fleet?.withdrawn.insert(key) }
    }
}

extension HarvestState {
    /// Keeps a session that a single pass tries no more from being claimed by it again.
    mutating func rest(_ key: String) {
        guard fleet != nil else { return }
        fleet?.resting.insert(key)
        _ = fleet?.keeper.handle(.rested(key), now: HarvestRunner.monotonic())
    }

    /// Drops a session whose commit was refused, because its lease is lost.
    mutating func loseFenced(_ key: String, _ error: CatalogError) {
        _ = fleet?.keeper.handle(.fenced(key), now: HarvestRunner.monotonic())
        observer.event(.storeTrouble("a pack of session \(key) was not recorded, because \(error.message)"))
        lose(key, "its lease was lost")
    }
}
