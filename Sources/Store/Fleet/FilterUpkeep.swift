import BlockIndex
package import Catalog
import Clocks
package import Harvest
import LogSearch
import Pack
import PackHome
import Text

/// Upkeep of the filters of a shared store: one machine at a time does it.
package struct FilterUpkeep {
    /// What one round did.
    package struct Outcome: Sendable {
        /// Objects that were replaced.
        package var replaced = 0
        /// Objects that were written.
        package var written = 0
        /// Packs that got filters because the machine that should have written them did not.
        package var filtered = 0
        /// Bytes of objects that will be compacted at some time.
        package var debt: UInt64 = 0
        /// What went wrong, for people.
        package var problems: [String] = []
    }

    private let catalog: Catalog
    private let home: any PackHome
    private let objects: any FilterObjects
    private let folder: String
    private let maker: String

    /// How long a pack waits for the filters that its machine writes, in milliseconds.
    package static let patience: Int64 = 600_000
    /// Most packs that are read for their filters in one round.
    private static let mostFiltered = 256

    /// - Parameters:
    ///   - catalog: the connection to use; nil for the store's own.
    ///   - maker: this machine's name among the harvesters.
    /// - Throws: ``StoreError`` when the store is in a folder, which has no such filters, or its bucket is not known.
    package init(_ store: Store, _ catalog: Catalog? = nil, maker: String) throws {
        guard let bucket = try store.bucket() else {
            throw StoreError(.usage, "a store in a folder has no filters in a bucket", kind: .invalid)
        }
        self.catalog = try catalog ?? store.catalog()
        home = bucket.home.original
        objects = BucketFilters(bucket.client)
        folder = store.path
        self.maker = maker
    }

    /// Compacts what is due, gives filters to packs without, and forgets what is no longer needed.
    ///
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - patience: how long a pack waits for filters of its machine, in milliseconds.
    ///   - mayContinue: asked before each step: whether this machine still has the job.
    /// - Throws: `CatalogError` when the catalog cannot be asked. Each step is complete or did nothing.
    package func perform(
        now: Int64, patience: Int64 = Self.patience, mayContinue: () throws -> Bool
    ) throws -> Outcome {
        var outcome = Outcome()
        try compact(now: now, &outcome, mayContinue)
        if try mayContinue() { try filterRest(now: now, patience, &outcome) }
        if try mayContinue() { try catalog.forgetFilteredPacks() }
        return outcome
    }

    private func compact(now: Int64, _ outcome: inout Outcome, _ mayContinue: () throws -> Bool) throws {
        let listed = try catalog.listedFilters().filter { !$0.isReplaced }
        let plan = CompactionPlan(listed.compactMap { FilterObject($0) }, now: now)
        outcome.debt = plan.debt
        let compaction = FilterCompaction(objects, folder: folder)
        for step in plan.steps {
            guard try mayContinue() else { return }
            do {
                try perform(step, compaction, now: now, &outcome)
            } catch let error as BlockIndexError {
                outcome.problems.append(error.description)
            }
        }
    }

    private func perform(
        _ step: CompactionPlan.Step, _ compaction: FilterCompaction, now: Int64, _ outcome: inout Outcome
    ) throws {
        let made = try compaction.perform(step, now: now, maker: maker, random: .random(in: 0 ... .max)) { paths in
            var sizes: [String: UInt64] = [:]
            for (path, size) in try catalog.currentPacks(among: paths) { sizes[path] = size }
            return sizes
        }
        for failure in made.failures { try report(failure, &outcome) }
        guard !made.replaced.isEmpty else { return }
        let isReplaced = try catalog.replaceFilters(made.replaced.map(\.key), by: made.object.map { ListedFilters($0) })
        guard isReplaced else {
            // Another machine was faster. Nothing refers to what was written here.
            if let object = made.object { try catalog.addGarbage([Garbage(key: object.key, bytes: object.bytes)]) }
            return
        }
        outcome.replaced += made.replaced.count
        outcome.written += made.object == nil ? 0 : 1
    }

    /// Notes an object that could not be compacted. The packs of a damaged one are filtered again.
    private func report(_ failure: (object: FilterObject, error: BlockIndexError), _ outcome: inout Outcome) throws {
        outcome.problems.append(failure.error.description)
        guard failure.error.code == .object else { return }
        let others = try catalog.listedFilters().filter { !$0.isReplaced && $0.key != failure.object.key }
        let known = try FilterReader(objects).packs(in: others.compactMap { FilterObject($0) })
        // Which packs it had is not known either as long as another one cannot be read.
        guard known.failures.isEmpty else { return }
        let covered = ByteSet(known.candidates.map(\.pack))
        var lost: [String] = []
        try catalog.forEachPack { pack in
            if !covered.contains(pack.pack) { lost.append(pack.pack) }
        }
        try catalog.addPacksWithoutFilters(lost)
        if try catalog.replaceFilters([failure.object.key], by: nil) { outcome.replaced += 1 }
    }

    private func filterRest(now: Int64, _ patience: Int64, _ outcome: inout Outcome) throws {
        let packs = try catalog.packsWithoutFilters(for: patience, limit: Self.mostFiltered)
        var batch = FilterBatch()
        var added: [String] = []
        for pack in packs {
            do {
                batch.add(try FilterLog.placedRecord(of: pack, home.reader(for: pack)), now: now)
                added.append(pack)
            } catch {
                outcome.problems.append("\(pack): \(error)")
            }
            if batch.isDue(now: now) { try put(&batch, &added, now: now, &outcome) }
        }
        if batch.count > 0 { try put(&batch, &added, now: now, &outcome) }
    }

    private func put(
        _ batch: inout FilterBatch, _ packs: inout [String], now: Int64, _ outcome: inout Outcome
    ) throws {
        defer { packs = [] }
        guard let made = batch.take(now: now, harvester: maker, random: .random(in: 0 ... .max)) else { return }
        try objects.put(made.record.key, made.bytes)
        try catalog.addFilters(ListedFilters(made.record), packs: packs)
        outcome.filtered += packs.count
        outcome.written += 1
    }
}

extension Store {
    /// The upkeep of filters as a job that one harvester at a time does.
    ///
    /// - Parameters:
    ///   - catalog: the connection to use; nil for the store's own.
    ///   - maker: this machine's name among the harvesters.
    package func filterJob(_ catalog: Catalog? = nil, maker: String) -> SharedJob {
        SharedJob("filters", every: 60_000) { holds in
            let upkeep = try FilterUpkeep(self, catalog, maker: maker)
            let outcome = try upkeep.perform(now: WallClock.now()) { holds() }
            guard let first = outcome.problems.first else { return nil }
            return outcome.problems.count == 1
                ? first : "\(first), and \(counted(outcome.problems.count - 1, "more problem"))"
        }
    }
}
