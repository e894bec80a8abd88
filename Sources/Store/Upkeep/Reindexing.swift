import BlockIndex
public import Catalog
import CrashAnalysis
import Harvest
import Ingest
public import Model
import Pack
import PackHome

extension Store {
    /// Rebuilds the catalog and the filter index from the packs. May run beside a harvest unless the catalog is damaged:
    /// then it sets the catalog aside and keeps others from using the store.
    ///
    /// For a shared store it lists the bucket and reads the end of each pack, many at once, and adds what the database
    /// lacks; a damaged database is a matter of PostgreSQL's own tools. Filters are in the bucket and are not touched.
    ///
    /// - Parameters:
    ///   - rules: the user's rules for signatures.
    ///   - allowMissing: names of the barriers that may be missing around the process that reads dumps.
    ///   - progress: called after each batch of packs.
    /// - Returns: what was indexed, and the packs that need attention.
    /// - Throws: `CatalogError`, with `busy` if the catalog is damaged and another process uses the store; ``StoreError``;
    ///   `BlockIndexError`.
    public func reindex(
        rules: SignatureRules, allowMissing: [String], progress: (StoreProgress) -> Void
    ) throws -> ReindexReport {
        // A limit that stays low is noted on the crashes.
        try? DescriptorBudget.raiseLimit()
        let signer = CrashSigner(store: path, home: home, rules: rules, allowMissing: allowMissing)
        var lock: StoreLock?
        defer { withExtendedLifetime(lock) {} }
        let report: ReindexReport
        let catalog: Catalog
        if isShared {
            catalog = try openCatalog(readOnly: false)
            var listing = home.list()
            let garbage = try GarbagePacks.found(among: listing.packs, in: catalog)
            listing.packs.removeAll { garbage.contains($0.path) }
            report = try catalog.reindex(
                home: ReadAheadHome(home, listing: listing), renew: { signer.renew(&$0) },
                progress: { progress(.reindexing(packs: $0.packs, of: $0.total)) })
        } else {
            report = try Catalog.reindex(
                store: path, home: home, alone: { () throws(CatalogError) in lock = try lockAlone() },
                renew: { signer.renew(&$0) },
                progress: { progress(.reindexing(packs: $0.packs, of: $0.total)) })
            // A new connection: the catalog may have been set aside.
            catalog = try openCatalog(readOnly: false)
        }
        try AliasFile.restore(catalog)
        try RememberedFile.restore(catalog)
        // A pack that is missing had crashes, too.
        if !report.missing.isEmpty { try RememberedFile.save(catalog) }
        if !isShared { try rebuildFilters(catalog) }
        return report
    }

    private func lockAlone() throws(CatalogError) -> StoreLock {
        do throws(HarvestError) {
            return try StoreLock(store: path)
        } catch {
            let isTaken = error.code == .storeLocked
            throw CatalogError(
                code: isTaken ? .busy : .io,
                message: "the catalog is damaged and must be rebuilt from the packs, but \(error.message)",
                path: path, hint: isTaken ? "stop that process, then run salvage reindex again" : error.hint)
        }
    }

    /// Rebuilds the filter index, which lets a search open only packs that may match, from the packs.
    private func rebuildFilters(_ catalog: Catalog) throws {
        var packs: [String] = []
        try catalog.forEachSession { session in
            if let pack = session.pack { packs.append(pack) }
        }
        _ = try FilterLog.rebuild(store: path, home: home, packs: packs)
    }
}
