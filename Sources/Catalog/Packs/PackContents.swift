public import Model
public import Pack

/// The contents of a pack, as far as the catalog needs them to index it.
public struct PackContents: Sendable, Equatable {
    /// The session's facts.
    public var facts: SessionMetadata
    /// The ledger's rows when the pack was written; members refer to them by index.
    public var artifacts: [ArtifactEntry]
    /// Its members, in pack order.
    public var members: [Member]
    /// One JSON object for each crash.
    public var crashes: [[UInt8]]
    /// Crash records renewed with data that the pack lacks, such as symbols, by index in `crashes`. They replace the
    /// pack's records in the catalog, and the signature of the pack's record becomes an alias.
    public var renewed: [Int: [UInt8]] = [:]
    /// The downloads in the spool that it was made from.
    public var downloads: [PackedDownload] = []
    /// Its path, relative to the store: `packs/2026/11/20/<session>.pack`.
    public var path: String
    /// Its size on disk, in bytes.
    public var packBytes: UInt64

    /// Creates contents.
    public init(
        facts: SessionMetadata, artifacts: [ArtifactEntry] = [], members: [Member] = [], crashes: [[UInt8]] = [],
        path: String, packBytes: UInt64 = 0
    ) {
        self.facts = facts
        self.artifacts = artifacts
        self.members = members
        self.crashes = crashes
        self.path = path
        self.packBytes = packBytes
    }
}

/// Where a pack comes from, which decides what its rows may change in the ledger.
public enum PackSource: Sendable, Equatable {
    /// The harvest that made it from the ledger: its rows replace the ledger's.
    case harvest
    /// A manual ingest of these artifacts. A harvest's own rows, state and source are kept.
    case ingest([String])
    /// A pack found on disk. It only fills gaps in the ledger.
    case disk
}

extension Catalog {
    /// Records a published pack: session, artifacts, members and crashes in one transaction.
    ///
    /// Call it after the pack was synced and renamed. It replaces the rows of an earlier pack of the session and is
    /// idempotent. Facts that the pack lacks, and rows of artifacts that it does not contain, are kept. Without a state
    /// in the facts, the state is derived from the artifacts.
    ///
    /// - Parameter source: where the pack comes from; only a harvest's pack overrides its session's ledger.
    public func commit(_ contents: PackContents, from source: PackSource = .harvest) throws(CatalogError) {
        try commit([contents], from: source)
    }

    /// Records several published packs in one transaction; see ``commit(_:from:)-(PackContents,_)``.
    public func commit(_ packs: [PackContents], from source: PackSource = .harvest) throws(CatalogError) {
        guard !packs.isEmpty else { return }
        let packs = packs.map { IndexedPack($0) }
        let texts = try intern(packs)
        try write { (connection) throws(CatalogError) in
            let writer = try PackRows(connection, texts)
            for pack in packs { try writer.put(pack, from: source) }
        }
    }

    /// Deletes sessions with all their rows, in one transaction. The caller deletes their packs.
    ///
    /// - Returns: the sessions' packs, relative to the store.
    @discardableResult
    public func remove(sessions: [String]) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
            let find = try connection.prepare("SELECT key, pack FROM sessions WHERE id = ?1\(connection.rowLock)")
            var packs: [String] = []
            for session in sessions {
                find.bind(1, session)
                guard try find.step() else { continue }
                let key = find.integer(0)
                if let pack = find.textOrNil(1) { packs.append(pack) }
                find.reset()
                try Self.deleteRows(of: key, connection)
            }
            return packs
        }
    }

    /// Deletes every row of a session.
    static func deleteRows(of key: Int64, _ connection: any SQLConnection) throws(CatalogError) {
        try connection.execute(
            """
            DELETE FROM labels WHERE session = \(key); DELETE FROM artifacts WHERE session = \(key);
            DELETE FROM aliases WHERE crash IN (SELECT id FROM crashes WHERE session = \(key));
            DELETE FROM requests WHERE session = \(key); DELETE FROM downloads WHERE session = \(key);
            \(connection.deleteMembers(of: key))
            DELETE FROM crashes WHERE session = \(key); DELETE FROM sessions WHERE key = \(key);
            """)
    }

    /// Removes only the packs of sessions from the catalog, with members and crashes, and keeps their ledger: for packs
    /// that were deleted or are missing.
    ///
    /// - Returns: the sessions' packs, relative to the store.
    @discardableResult
    public func removePacks(sessions: [String]) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
            try Self.dropPacks(of: sessions, connection)
        }
    }

    /// Does the same within a transaction.
    @discardableResult
    static func dropPacks(of sessions: [String], _ connection: any SQLConnection) throws(CatalogError) -> [String] {
        let find = try connection.prepare(
            "SELECT key, pack FROM sessions WHERE id = ?1 AND pack IS NOT NULL\(connection.rowLock)")
        var packs: [String] = []
        for session in sessions {
            find.bind(1, session)
            guard try find.step() else { continue }
            let key = find.integer(0)
            packs.append(find.text(1))
            find.reset()
            try remember(session: key, connection)
            try connection.execute(
                """
                \(connection.deleteMembers(of: key)) DELETE FROM crashes WHERE session = \(key);
                DELETE FROM downloads WHERE session = \(key);
                UPDATE sessions SET \(SessionColumns.withoutPack) WHERE key = \(key);
                """)
        }
        return packs
    }
}
