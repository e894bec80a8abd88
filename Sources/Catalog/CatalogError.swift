/// An error of the catalog.
public struct CatalogError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A machine-readable reason: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public var rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// There is no catalog in this store yet, or no such database.
        public static let missing = Code(rawValue: "catalog_missing")
        /// The store is being restored from a backup, or its restore was interrupted.
        public static let restoring = Code(rawValue: "restore_unfinished")
        /// The file is damaged, or is not an SQLite database; the tables of a shared catalog are not as they should be.
        public static let corrupt = Code(rawValue: "catalog_corrupt")
        /// An earlier version of salvage wrote the file, and it was opened read-only.
        public static let older = Code(rawValue: "catalog_older")
        /// A later version of salvage wrote the file.
        public static let newer = Code(rawValue: "catalog_newer")
        /// The file is an SQLite database of another program.
        public static let foreign = Code(rawValue: "catalog_foreign")
        /// Another process kept the database locked for longer than the busy timeout.
        public static let busy = Code(rawValue: "catalog_busy")
        /// The file system, or the disk of the database's server, has no room left.
        public static let full = Code(rawValue: "disk_full")
        /// Opening, reading or writing the file failed, or the database's server cannot be reached.
        public static let io = Code(rawValue: "catalog_io")
        /// No session has this id, or an id with this prefix.
        public static let unknownSession = Code(rawValue: "session_not_found")
        /// Several sessions have an id with this prefix.
        public static let ambiguousSession = Code(rawValue: "ambiguous_session")
        /// The members of packs were asked of a catalog that does not store them.
        public static let membersInPack = Code(rawValue: "members_in_pack")
        /// The catalog cannot be written, or was opened read-only.
        public static let readOnly = Code(rawValue: "catalog_read_only")
        /// Anything else that the engine reports.
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

    /// Returns an error of the catalog as it is, and describes any other.
    init(_ error: any Error, path: String) {
        self =
            error as? CatalogError
            ?? CatalogError(code: .database, message: "the catalog failed: \(error)", path: path)
    }
}
