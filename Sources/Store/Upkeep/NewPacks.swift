import Catalog
import Harvest
import Ingest
import Model
import PackHome
import Terminal
import Text

/// Tells packs that a running process is about to enter in the catalog from packs that no process will enter.
enum NewPacks {
    /// The time within which a harvest enters a pack that it published, unless the catalog is locked; in milliseconds.
    private static let commitTakes: Int64 = 3_600_000

    /// Whether a running process may still enter a pack: an ingest that holds the session's lock, or a harvest that has
    /// held the store's lock since before the pack was written. As a daemon may run for months, an old pack is not new.
    /// Uses the modification time, because a backup that links packs changes the inode's change time.
    ///
    /// In a shared store that process may be on another machine, whose locks nobody sees: every recent pack is new.
    static func isNew(_ pack: StoredPack, session: String?, in store: Store) -> Bool {
        let recent = (TimeText.now() - commitTakes) * 1_000_000
        if store.isShared { return pack.modified >= recent }
        if let session, SessionLock.isTaken(session, store: store.path) { return true }
        return StoreLock.heldSince(store.path).map { pack.modified >= max($0, recent) } ?? false
    }

    /// Whether still no row names a pack; a second check, when no process works on its session any more.
    static func isStillUnknown(_ found: Catalog.Unreferenced, _ catalog: Catalog) throws -> Bool {
        guard let session = found.session, let record = try catalog.session(session) else { return true }
        return record.pack?.hasSameBytes(as: found.pack.path) != true
    }
}
