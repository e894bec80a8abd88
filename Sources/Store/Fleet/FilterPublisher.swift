package import BlockIndex
package import Catalog
import Harvest
import Synchronization

/// Writes the filters of the packs that this process publishes, in batches.
///
/// A pack is recorded first and filtered afterwards: until its batch is written, searches ask the pack itself. What a killed
/// process leaves unwritten, the upkeep writes.
package final class FilterPublisher: PackFilters {
    private struct State {
        var batch = FilterBatch()
        var packs: [String] = []
        /// Bytes of records in the batch.
        var bytes = 0
    }

    private let catalog: Catalog
    private let objects: any FilterObjects
    private let maker: String
    private let state = Mutex(State())

    /// The most bytes of records that wait. A batch is due much earlier; while the bucket does not answer, the upkeep gets
    /// the others.
    private static let mostBytes = 96 << 20

    /// - Parameter maker: this machine's name among the harvesters.
    package init(_ catalog: Catalog, _ objects: any FilterObjects, maker: String) {
        self.catalog = catalog
        self.objects = objects
        self.maker = maker
    }

    /// When ``writeIfDue(now:isLast:)`` has something to do at the latest; nil if nothing waits.
    package var deadline: Int64? { state.withLock { $0.batch.deadline } }

    /// Adds a pack that the catalog has recorded.
    ///
    /// - Parameters:
    ///   - record: as `FilterLog.record(_:of:placedBy:)` or `FilterLog.placedRecord(of:_:)` returns it.
    package func add(_ pack: String, record: [UInt8], now: Int64) {
        state.withLock { state in
            guard state.bytes < Self.mostBytes else { return }
            state.batch.add(record, now: now)
            state.packs.append(pack)
            state.bytes += record.count
        }
    }

    /// Writes what waits, if it is due. Packs may be added meanwhile.
    ///
    /// - Parameter isLast: whether to write it in any case.
    /// - Throws: `BlockIndexError` or `CatalogError`. The batch is dropped then: the upkeep filters its packs later.
    package func writeIfDue(now: Int64, isLast: Bool = false) throws {
        let due = state.withLock { state -> State? in
            guard state.batch.isDue(now: now) || isLast, state.batch.count > 0 else { return nil }
            defer { state = State() }
            return state
        }
        guard var due, let made = due.batch.take(now: now, harvester: maker, random: .random(in: 0 ... .max)) else {
            return
        }
        try objects.put(made.record.key, made.bytes)
        try catalog.addFilters(ListedFilters(made.record), packs: due.packs)
    }
}

extension Store {
    /// Publishes filters of packs that a command puts into a shared store; nil for a store in a folder.
    ///
    /// - Throws: ``StoreError`` as ``bucket()`` does, `CatalogError`.
    func filterPublisher(maker: String) throws -> FilterPublisher? {
        guard let bucket = try bucket() else { return nil }
        return FilterPublisher(try catalog(), BucketFilters(bucket.client), maker: maker)
    }
}
