internal import CSQLite

extension CatalogError {
    /// Whether SQLite misses a table or column of our own statements, or cannot read the file's format. The layout was
    /// checked when the database was opened, so the database has been damaged since.
    private static func tellsOfSchema(_ message: String) -> Bool {
        [
            "no such table", "no such column", "no such index", "has no column named", "already exists",
            "duplicate column name", "ON CONFLICT clause does not match", "unsupported file format",
        ].contains { message.contains($0) }
    }

    /// Translates an SQLite result code. Mostly the primary code decides; the message contains the extended one.
    init(sqlite code: Int32, message: String, path: String) {
        let detail = "\(message) [SQLite \(code)]"
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self.init(
                code: .corrupt, message: "the catalog is damaged: \(detail)", path: path, hint: Self.rebuildHint)
        case SQLITE_ERROR where Self.tellsOfSchema(message):
            self.init(
                code: .corrupt, message: "the catalog's tables are damaged: \(detail)", path: path,
                hint: Self.rebuildHint)
        case SQLITE_BUSY, SQLITE_LOCKED:
            self.init(
                code: .busy, message: "the catalog is locked by another process: \(detail)", path: path,
                hint: "wait for it to finish, or stop it, and try again")
        case SQLITE_FULL:
            self.init(
                code: .full, message: "no space left for the catalog: \(detail)", path: path,
                hint: "free some space, for example with salvage prune")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH, SQLITE_IOERR:
            self.init(
                code: .io, message: "the catalog cannot be opened, read or written: \(detail)", path: path,
                hint: "check the store's owner and mode, and the health of its disk")
        case SQLITE_READONLY where code >> 8 == 3:
            // SQLITE_READONLY_ROLLBACK: a rollback journal, which exists only until the database switches to WAL.
            self.init(
                code: .missing, message: "the creation of the catalog was interrupted: \(detail)", path: path,
                hint: "run salvage harvest or salvage ingest, or rebuild the catalog with salvage reindex")
        case SQLITE_READONLY:
            self.init(
                code: .readOnly, message: "the catalog cannot be written: \(detail)", path: path,
                hint: "check the store's owner and mode; salvage verify reports whether the file is damaged")
        default:
            self.init(code: .database, message: "the catalog failed: \(detail)", path: path)
        }
    }
}
