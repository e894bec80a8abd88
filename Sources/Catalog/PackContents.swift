public import Pack

/// What a pack says of itself: all that the catalog needs to index it.
public struct PackContents: Sendable, Equatable {
    /// What it knows of its session.
    public var facts: SessionFacts
    /// The ledger's rows at the time it was written; members refer to them by index.
    public var artifacts: [ArtifactEntry]
    /// Its members in their order.
    public var members: [Member]
    /// One JSON object for each crash.
    public var crashes: [[UInt8]]
    /// Crash records that were made anew from what the pack alone does not know, such as symbols, by their place in
    /// `crashes`; they are listed instead, and the key of the pack's record becomes an alias.
    public var renewed: [Int: [UInt8]] = [:]
    /// The downloads that it was made of, where they lay in the spool.
    public var downloads: [PackedDownload] = []
    /// Where it lies, relative to the store: `packs/2026/11/20/<session>.pack`.
    public var path: String
    /// Its size on disk, in bytes.
    public var packBytes: UInt64

    /// Makes the description from its parts.
    public init(
        facts: SessionFacts, artifacts: [ArtifactEntry] = [], members: [Member] = [], crashes: [[UInt8]] = [],
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

/// Who enters a pack, and so what its rows may change of what the ledger has.
public enum PackSource: Sendable, Equatable {
    /// The harvest that made it, with the ledger's words in it: its rows replace what was known.
    case harvest
    /// An ingest by hand of these artifacts. A harvest's own rows, state and source stay.
    case ingest([String])
    /// It was found on the disk. It fills in what the ledger lacks.
    case disk
}

extension Catalog {
    /// Records a published pack: session, artifacts, members and crashes in one transaction.
    ///
    /// Call it after the pack was synced and renamed. It replaces what an earlier pack of the session said, so it may
    /// be repeated: the same pack again leaves the same rows. Facts that the pack does not know stay as they were;
    /// rows of artifacts that it does not hold stay too. Without a state in the facts, the state follows from the
    /// artifacts.
    ///
    /// - Parameter source: who enters it; only a harvest's pack says more than its session's ledger.
    public func commit(_ contents: PackContents, from source: PackSource = .harvest) throws(CatalogError) {
        try commit([contents], from: source)
    }

    /// Records several published packs in one transaction; see ``commit(_:from:)-(PackContents,_)``.
    public func commit(_ packs: [PackContents], from source: PackSource = .harvest) throws(CatalogError) {
        guard !packs.isEmpty else { return }
        try write { (connection) throws(CatalogError) in
            let writer = try PackRows(connection)
            for contents in packs { try writer.put(contents, from: source) }
        }
    }

    /// Forgets sessions with all their rows, in one transaction; their packs are left to the caller.
    ///
    /// - Returns: the packs that they had, relative to the store.
    @discardableResult
    public func remove(sessions: [String]) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
            let find = try connection.prepare("SELECT key, pack FROM sessions WHERE id = ?1")
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
    static func deleteRows(of key: Int64, _ connection: Connection) throws(CatalogError) {
        try connection.execute(
            """
            DELETE FROM labels WHERE session = \(key); DELETE FROM artifacts WHERE session = \(key);
            DELETE FROM aliases WHERE crash IN (SELECT id FROM crashes WHERE session = \(key));
            DELETE FROM requests WHERE session = \(key); DELETE FROM members WHERE session = \(key);
            DELETE FROM downloads WHERE session = \(key);
            DELETE FROM crashes WHERE session = \(key); DELETE FROM sessions WHERE key = \(key);
            """)
    }

    /// Forgets only the pack of sessions, with its members and crashes, and keeps their ledger: for a pack that was
    /// deleted or is gone.
    ///
    /// - Returns: the packs that they had, relative to the store.
    @discardableResult
    public func removePacks(sessions: [String]) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
            try Self.dropPacks(of: sessions, connection)
        }
    }

    /// The same within a transaction.
    @discardableResult
    static func dropPacks(of sessions: [String], _ connection: Connection) throws(CatalogError) -> [String] {
        let find = try connection.prepare("SELECT key, pack FROM sessions WHERE id = ?1 AND pack IS NOT NULL")
        var packs: [String] = []
        for session in sessions {
            find.bind(1, session)
            guard try find.step() else { continue }
            let key = find.integer(0)
            packs.append(find.text(1))
            find.reset()
            try connection.execute(
                """
                DELETE FROM members WHERE session = \(key); DELETE FROM crashes WHERE session = \(key);
                DELETE FROM downloads WHERE session = \(key);
                UPDATE sessions SET pack = NULL, pack_bytes = 0, members = 0, bytes = 0, crashes = 0
                    WHERE key = \(key);
                """)
        }
        return packs
    }
}
