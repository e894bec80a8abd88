internal import CSQLite

/// An error of the catalog.
public struct CatalogError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A machine-readable reason: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public var rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// There is no catalog in this store yet.
        public static let missing = Code(rawValue: "catalog_missing")
        /// The store is being restored from a backup, or its restore was interrupted.
        public static let restoring = Code(rawValue: "restore_unfinished")
        /// The file is damaged, or is not an SQLite database.
        public static let corrupt = Code(rawValue: "catalog_corrupt")
        /// An earlier version of salvage wrote the file, and it was opened read-only.
        public static let older = Code(rawValue: "catalog_older")
        /// A later version of salvage wrote the file.
        public static let newer = Code(rawValue: "catalog_newer")
        /// The file is an SQLite database of another program.
        public static let foreign = Code(rawValue: "catalog_foreign")
        /// Another process kept the database locked for longer than the busy timeout.
        public static let busy = Code(rawValue: "catalog_busy")
        /// The file system has no room left.
        public static let full = Code(rawValue: "disk_full")
        /// Opening, reading or writing the file failed.
        public static let io = Code(rawValue: "catalog_io")
        /// No session has this id, or an id with this prefix.
        public static let unknownSession = Code(rawValue: "session_not_found")
        /// Several sessions have an id with this prefix.
        public static let ambiguousSession = Code(rawValue: "ambiguous_session")
        /// The catalog cannot be written, or was opened read-only.
        public static let readOnly = Code(rawValue: "catalog_read_only")
        /// Anything else that SQLite reports.
        public static let database = Code(rawValue: "catalog_error")
    }

    /// The machine-readable reason.
    public var code: Code
    /// What failed, for people.
    public var message: String
    /// The affected database file or pack.
    public var path: String?
    /// The affected session.
    public var session: String?
    /// What the user can do about it.
    public var hint: String?

    /// Creates an error.
    public init(code: Code, message: String, path: String? = nil, session: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.session = session
        self.hint = hint
    }

    /// The message with the path.
    public var description: String { path.map { "\(message) (\($0))" } ?? message }
}

extension CatalogError {
    /// The hint for a damaged database.
    static let rebuildHint = "salvage reindex sets the damaged file aside and rebuilds the catalog from the packs"

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

    /// Returns an error of the catalog as it is, and describes any other.
    init(_ error: any Error, path: String) {
        self =
            error as? CatalogError
            ?? CatalogError(code: .database, message: "the catalog failed: \(error)", path: path)
    }
}
