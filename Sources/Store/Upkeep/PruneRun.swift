import BlockIndex
public import Catalog
import Ingest
public import Model
import Pack
import PackHome
public import Text

/// What a prune removed, kept or found; with `dryRun`, what it would remove.
public enum PruneEvent: Sendable {
    /// The pack of a session was removed.
    case removed(RetentionPlan.Removal, SessionRecord)
    /// A session without a pack, which ended at the given time (ms since 1970), was removed from the ledger.
    case forgotten(session: String, at: Int64)
    /// Packs, relative to the store, that the catalog does not have; they are kept.
    case unreferenced([String])
}

/// The totals of a prune.
public struct PruneSummary: Sendable, Equatable {
    /// The number of packs removed.
    public internal(set) var packs = 0
    /// Their size, in bytes.
    public internal(set) var bytes: UInt64 = 0
    /// The number of packs left alone because a process uses them.
    public internal(set) var inUse = 0
    /// The number of sessions kept because they are pinned.
    public internal(set) var pinned = 0
    /// The number of sessions kept as examples of their signatures.
    public internal(set) var examples = 0
    /// The bytes over the limit that the rules say to keep.
    public internal(set) var excess: UInt64 = 0
    /// The number of sessions removed from the ledger.
    public internal(set) var forgotten = 0
}

/// Sessions, and the retention rules for their packs.
public struct PrunePlan: Sendable {
    /// The sessions; those that are not done or have no pack are left alone.
    public let sessions: [SessionRecord]
    /// The rules.
    public let rules: RetentionRules

    /// Creates a plan.
    public init(sessions: [SessionRecord], rules: RetentionRules) {
        self.sessions = sessions
        self.rules = rules
    }
}

extension Store {
    /// Removes packs according to retention rules, and old sessions without a pack from the ledger. Pinned sessions are
    /// kept.
    ///
    /// - Parameters:
    ///   - plans: are carried out in order; a session is removed by the first that lets it go.
    ///   - history: how long sessions without a pack are remembered, in milliseconds.
    ///   - selected: the sessions that may be removed from the ledger; nil for all.
    ///   - dryRun: whether to remove nothing.
    ///   - now: the current time, in milliseconds since 1970.
    ///   - progress: called after each batch of removed packs.
    ///   - event: takes what is removed; what it throws ends the prune between two batches.
    /// - Throws: `CatalogError`, with `readOnly` if the store was opened so; `PackError`, ``StoreError`` with `pruneFailed`, or what the closure throws.
    public func prune(
        _ plans: [PrunePlan], history: Int64, of selected: ByteSet?, dryRun: Bool, now: Int64,
        progress: (StoreProgress) -> Void, event: (PruneEvent) throws -> Void
    ) throws -> PruneSummary {
        let catalog = try catalog()
        let pins = try pins()
        return try withoutActuallyEscaping(progress) { progress in
            try withoutActuallyEscaping(event) { event in
                var run = PruneRun(
                    store: self, catalog: catalog, pins: pins, dryRun: dryRun, now: now, progress: progress,
                    event: event)
                try run.carryOut(plans, history: history, of: selected)
                return run.summary
            }
        }
    }
}

/// Carries out retention plans: removes the catalog row first, then the filters, then the file, so that no row is ever
/// without its pack. An interruption leaves a pack without a row, which the next prune removes.
///
/// In a shared store other machines may be reading a pack, so a prune deletes no object: the transaction that changes the row
/// makes the pack garbage, which a harvester deletes a day later.
private struct PruneRun {
    let store: Store
    let catalog: Catalog
    let home: any PackHome
    let pins: Pins
    let dryRun: Bool
    let now: Int64
    let progress: (StoreProgress) -> Void
    let event: (PruneEvent) throws -> Void
    private(set) var summary = PruneSummary()

    /// The number of sessions that are locked and pruned in one transaction.
    private static let batch = 64

    init(
        store: Store, catalog: Catalog, pins: Pins, dryRun: Bool, now: Int64,
        progress: @escaping (StoreProgress) -> Void,
        event: @escaping (PruneEvent) throws -> Void
    ) {
        self.store = store
        self.catalog = catalog
        home = store.home
        self.pins = pins
        self.dryRun = dryRun
        self.now = now
        self.progress = progress
        self.event = event
    }

    mutating func carryOut(_ plans: [PrunePlan], history: Int64, of selected: ByteSet?) throws {
        var done: ByteSet = []
        let signatures = try catalog.signaturesBySession()
        if !dryRun, !store.isShared { try removeLeftovers() }
        for plan in plans {
            let records = ByteDictionary(
                plan.sessions.filter { $0.pack != nil && $0.state.isFinal && !done.contains($0.session) }.map {
                    ($0.session, $0)
                }, uniquingKeysWith: { first, _ in first })
            let retention = RetentionPlan(
                records.values.map { session in
                    RetentionCandidate(
                        session: session.session, at: session.at, packBytes: session.packBytes,
                        signatures: signatures[session.session] ?? [], isPinned: pins.holds(session.session))
                }, rules: plan.rules, now: now)
            summary.pinned += retention.pinned
            summary.examples += retention.examples
            summary.excess += retention.excess
            for removal in retention.removals { done.insert(removal.session) }
            try carryOut(retention, records)
        }
        if !dryRun, summary.packs > 0 { try RememberedFile.save(catalog) }
        try forget(before: now &- history, selected)
    }

    /// Removes sessions without a pack from the ledger.
    private mutating func forget(before time: Int64, _ selected: ByteSet?) throws {
        let chosen = try catalog.historyBefore(time).filter { selected?.contains($0.session) ?? true }
        let old = chosen.filter { !pins.holds($0.session) }
        summary.pinned += chosen.count - old.count
        for start in stride(from: 0, to: old.count, by: 512) {
            let batch = old[start..<min(start + 512, old.count)]
            let gone = dryRun ? nil : ByteSet(try catalog.forgetHistory(batch.map(\.session), before: time))
            for row in batch where gone?.contains(row.session) ?? true {
                summary.forgotten += 1
                try event(.forgotten(session: row.session, at: row.at))
            }
        }
    }

    private mutating func carryOut(_ plan: RetentionPlan, _ records: ByteDictionary<SessionRecord>) throws {
        for start in stride(from: 0, to: plan.removals.count, by: Self.batch) {
            let slice = plan.removals[start..<min(start + Self.batch, plan.removals.count)]
            let removed = dryRun ? ByteSet(slice.map(\.session)) : try remove(Array(slice), records)
            for removal in slice {
                guard removed.contains(removal.session), let record = records[removal.session] else {
                    summary.inUse += 1
                    continue
                }
                summary.packs += 1
                summary.bytes &+= removal.bytes
                try event(.removed(removal, record))
            }
            progress(.pruned(sessions: summary.packs, bytes: summary.bytes))
        }
    }

    /// Removes the packs of one batch; returns the sessions whose packs were removed.
    private func remove(
        _ removals: [RetentionPlan.Removal], _ records: ByteDictionary<SessionRecord>
    ) throws -> ByteSet {
        var locks: [SessionLock] = []
        defer { for lock in locks { lock.release() } }
        var wanted: [(session: String, pack: String, reason: String)] = []
        for removal in removals {
            guard let record = records[removal.session], let pack = record.pack,
                let lock = try SessionLock.ifFree(removal.session, store: catalog.store)
            else { continue }
            locks.append(lock)
            if mayBeRemoved(pack, record) { wanted.append((removal.session, pack, removal.reason)) }
        }
        let forgotten = ByteSet(try catalog.prune(wanted, now: now))
        let gone = wanted.filter { forgotten.contains($0.pack) }
        for removed in gone { try unlinkPack(removed.pack) }
        return ByteSet(gone.map(\.session))
    }

    /// Whether a pack is the one that its session's row names. Where paths are reused, another size is another generation,
    /// published but not yet in the catalog.
    private func mayBeRemoved(_ pack: String, _ record: SessionRecord) -> Bool {
        guard !store.isShared else { return true }
        return switch home.presence(of: pack) {
        case .absent: true
        case .present(let found): found.size == record.packBytes
        case .unknown: false
        }
    }

    private func unlinkPack(_ pack: String) throws {
        // Its object is garbage, and the compaction of filters drops its record.
        guard !store.isShared else { return }
        // A filter row that stays costs each search one attempt to open a missing file, nothing else.
        try? FilterLog.remove(store: catalog.store, pack: pack)
        do throws(PackError) {
            // Without packs of its day, a file of filters has only stale rows.
            if try home.remove(pack).emptiedDay { try? FilterLog.removeDay(store: catalog.store, of: pack) }
        } catch {
            throw StoreError(
                .pruneFailed, "a pack cannot be removed: \(error.message)", path: pack,
                hint: "the catalog no longer lists it; the next prune tries again")
        }
    }

    private func removeLeftovers() throws {
        var unknown: [String] = []
        for found in try catalog.unreferencedPacks(in: home) {
            // Just published, and about to be entered in the catalog.
            if NewPacks.isNew(found.pack, session: found.session, in: store) { continue }
            guard found.isPruned, !found.pack.isBehindLink, let session = found.session else {
                if try NewPacks.isStillUnknown(found, catalog) { unknown.append(found.pack.path) }
                continue
            }
            guard let lock = try SessionLock.ifFree(session, store: catalog.store) else { continue }
            defer { lock.release() }
            guard try NewPacks.isStillUnknown(found, catalog) else { continue }
            try unlinkPack(found.pack.path)
        }
        if !unknown.isEmpty { try event(.unreferenced(unknown)) }
    }
}
