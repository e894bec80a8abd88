import Catalog
import Harvest
import Ingest
import Pack
import Terminal

/// Tells packs that were published a moment ago, and are about to be entered in the catalog, from those that nobody knows.
enum NewPacks {
    /// Within this time a harvest enters what it has published, unless its catalog is held; in milliseconds.
    private static let commitTakes: Int64 = 3_600_000

    /// Whether somebody at work may still enter a pack: an ingest that holds the session's lock, or the harvest, in whose
    /// time the pack was written. A daemon's time may be months, and a backup that links packs changes their inodes.
    static func isNew(_ file: StorePacks.File, session: String?, store: String) -> Bool {
        if let session, SessionLock.isTaken(session, store: store) { return true }
        let recent = (TimeText.now() - commitTakes) * 1_000_000
        return StoreLock.heldSince(store).map { file.entry.modified >= max($0, recent) } ?? false
    }

    /// Whether a pack is still one that no row names, asked once more after nobody works on its session.
    static func isStillUnknown(_ pack: Catalog.Unreferenced, _ catalog: Catalog) throws -> Bool {
        guard let session = pack.session, let record = try catalog.session(session) else { return true }
        return record.pack != pack.file.path
    }
}
