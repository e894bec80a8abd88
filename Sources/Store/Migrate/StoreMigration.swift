import Catalog
public import Model

extension Store {
    /// Copies everything in this store to another one, beside a running harvest, and moves the store there: the other store
    /// then has all of it, and this one refuses to be harvested.
    ///
    /// The last sessions are copied while the store is locked. If another process holds the lock, everything else is copied,
    /// and the report names that process; the same call later copies the rest. An interrupted call is resumed by the next:
    /// what is there with the same bytes is skipped. Each pack is read back after it is copied.
    ///
    /// - Parameters:
    ///   - address: the other store; created if it is missing.
    ///   - dryRun: whether to count only.
    ///   - keepsSource: whether to copy only, so that this store goes on as before.
    ///   - progress: called after each batch of sessions and before each file with symbols.
    /// - Throws: `CatalogError`, ``StoreError``, `HarvestError` if this store cannot be locked, or `FileFailure`. A session
    ///   that cannot be copied is a gap in the report.
    public func migrate(
        to address: StoreAddress, dryRun: Bool, keepsSource: Bool, progress: (StoreProgress) -> Void
    ) throws -> MigrationReport {
        try withoutActuallyEscaping(progress) { progress in
            _ = try catalog()
            try requireOther(try Store(address))
            guard !dryRun else {
                do {
                    return try MigrationRun(from: self, to: try Store(address), progress: progress).survey()
                } catch let error as CatalogError where error.code == .missing {
                    return try emptyTargetSurvey()
                }
            }
            let run = try MigrationRun(from: self, to: try Self.target(address), progress: progress)
            return try keepsSource ? run.copy() : run.migrate()
        }
    }

    /// Opens the store to migrate to. One that was itself migrated refuses to be harvested, and takes everything back.
    private static func target(_ address: StoreAddress) throws -> Store {
        guard case .folder = address else { return try Store(creating: address) }
        let store = try Store(address, readOnly: false)
        try StoreFolder.make(store.path)
        try Catalog.requireNoRestore(store: store.path)
        return store
    }

    /// The survey of a migration to a store that does not exist yet.
    private func emptyTargetSurvey() throws -> MigrationReport {
        var report = MigrationReport()
        report.isDryRun = true
        let totals = try catalog().packSizes()
        report.packs = totals.count
        report.bytes = totals.values.reduce(0) { $0 &+ $1 }
        try catalog().forEachSession { _ in report.sessions += 1 }
        report.copied = report.sessions
        return report
    }

    private func requireOther(_ target: Store) throws(StoreError) {
        let (mine, other) = (StorePath.absolute(path), StorePath.absolute(target.path))
        guard StorePath.isWithin(mine, other) || StorePath.isWithin(other, mine) else { return }
        throw StoreError(
            .usage,
            mine == other && !isShared && !target.isShared
                ? "the store cannot be migrated to itself"
                : "one of the stores is inside the other, or both use the same folder of this machine",
            path: target.path, hint: "choose another folder", kind: .invalid)
    }
}
