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

extension Catalog {
    /// Records a published pack: session, artifacts, members and crashes in one transaction.
    ///
    /// Call it after the pack was synced and renamed. It replaces what an earlier pack of the session said, so it may
    /// be repeated: the same pack again leaves the same rows. Facts that the pack does not know stay as they were;
    /// rows of artifacts that it does not hold stay too. Without a state in the facts, the state follows from the
    /// artifacts.
    public func commit(_ contents: PackContents) throws(CatalogError) { try commit([contents]) }

    /// Records several published packs in one transaction; see ``commit(_:)-(PackContents)``.
    public func commit(_ packs: [PackContents]) throws(CatalogError) {
        guard !packs.isEmpty else { return }
        try write { (connection) throws(CatalogError) in
            let writer = try PackRows(connection)
            for contents in packs { try writer.put(contents) }
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
                try connection.execute(
                    """
                    DELETE FROM labels WHERE session = \(key); DELETE FROM artifacts WHERE session = \(key);
                    DELETE FROM requests WHERE session = \(key); DELETE FROM members WHERE session = \(key);
                    DELETE FROM crashes WHERE session = \(key); DELETE FROM sessions WHERE key = \(key);
                    """)
            }
            return packs
        }
    }

    /// Forgets only the pack of sessions, with its members and crashes, and keeps their ledger: for a pack that was
    /// deleted or is gone.
    ///
    /// - Returns: the packs that they had, relative to the store.
    @discardableResult
    public func removePacks(sessions: [String]) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
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
                    UPDATE sessions SET pack = NULL, pack_bytes = 0, members = 0, bytes = 0, crashes = 0
                        WHERE key = \(key);
                    """)
            }
            return packs
        }
    }
}

/// The statements that index packs within one transaction, prepared once.
private final class PackRows {
    private let connection: Connection
    private let ledger: LedgerWriter
    private var names: Interning
    private var signatures: Interning
    private let facts: Statement
    private let states: Statement
    private let setPack: Statement
    private let putMember: Statement
    private let putCrash: Statement

    init(_ connection: Connection) throws(CatalogError) {
        self.connection = connection
        ledger = try LedgerWriter(connection)
        names = try Interning("names", on: connection)
        signatures = try Interning("signatures", on: connection)
        facts = try connection.prepare("SELECT image, tag, location, at FROM sessions WHERE key = ?1")
        states = try connection.prepare("SELECT state FROM artifacts WHERE session = ?1")
        setPack = try connection.prepare(
            """
            UPDATE sessions SET pack = ?2, pack_bytes = ?3, members = ?4, bytes = ?5, crashes = ?6
            WHERE key = ?1
            """)
        putMember = try connection.prepare(
            """
            INSERT INTO members(session, ordinal, artifact, path, kind, mode, mtime, size, stored, sha256, link_target,
                flags) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """)
        putCrash = try connection.prepare(
            """
            INSERT INTO crashes(session, ordinal, id, kind, signal, exception, thread, at, time, signature, quality,
                stack_hash, image, tag, location, json)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
            """)
    }

    func put(_ contents: PackContents) throws(CatalogError) {
        let key = try ledger.key(of: contents.facts.session)
        for entry in contents.artifacts { try ledger.put(entry, nextTry: nil, session: key) }
        try ledger.apply(update(contents.facts, state: state(of: key, contents.facts)))
        try connection.execute(
            "DELETE FROM members WHERE session = \(key); DELETE FROM crashes WHERE session = \(key)")
        let bytes = try putMembers(contents, session: key)
        try putCrashes(contents.crashes, session: key, id: contents.facts.session)
        setPack.bind(1, key).bind(2, contents.path).bind(3, contents.packBytes).bind(4, contents.members.count)
        try setPack.bind(5, bytes).bind(6, contents.crashes.count).run()
    }

    private func state(of key: Int64, _ facts: SessionFacts) throws(CatalogError) -> SessionState {
        if let state = facts.state.flatMap(SessionState.init(rawValue:)) { return state }
        var all: [ArtifactState] = []
        states.bind(1, key)
        while try states.step() { all.append(ArtifactState(rawValue: states.text(0)) ?? .failed) }
        return .derived(from: all)
    }

    private func update(_ facts: SessionFacts, state: SessionState) -> SessionUpdate {
        var update = SessionUpdate(session: facts.session, state: state, reason: facts.reason)
        update.image = facts.image.isEmpty ? nil : facts.image
        update.tag = facts.tag
        update.location = facts.location
        update.host = facts.host
        update.labels = facts.labels
        update.created = facts.created
        update.exited = facts.exited
        update.seenExited = facts.firstSeenExited
        update.deadline = facts.deadline
        update.source = facts.source
        return update
    }

    private func putMembers(_ contents: PackContents, session key: Int64) throws(CatalogError) -> UInt64 {
        var artifacts: [Int64] = []
        for entry in contents.artifacts { artifacts.append(try names.id(of: entry.artifact)) }
        var bytes: UInt64 = 0
        putMember.bind(1, key)
        for (ordinal, member) in contents.members.enumerated() {
            let artifact = Int(clamping: member.artifact)
            putMember.bind(2, ordinal).bind(3, artifacts.indices.contains(artifact) ? artifacts[artifact] : 0)
            putMember.bind(4, blob: member.path).bind(5, Int64(member.kind.rawValue)).bind(6, Int64(member.mode))
            putMember.bind(7, member.mtime).bind(8, member.size).bind(9, member.stored)
            putMember.bind(10, blob: member.sha256).bind(11, blob: member.linkTarget)
            try putMember.bind(12, Int64(member.flags.rawValue)).run()
            let (sum, overflow) = bytes.addingReportingOverflow(member.size)
            bytes = overflow ? .max : sum
        }
        return bytes
    }

    private func putCrashes(_ crashes: [[UInt8]], session key: Int64, id: String) throws(CatalogError) {
        guard !crashes.isEmpty else { return }
        facts.bind(1, key)
        guard try facts.step() else { return }
        let (image, tag, location) = (facts.text(0), facts.textOrNil(1), facts.textOrNil(2))
        let ended = facts.integer(3)
        facts.reset()
        let imageID = try names.id(of: image)
        let tagID = try names.id(of: tag)
        let locationID = try names.id(of: location)
        for (ordinal, json) in crashes.enumerated() {
            let crash = CrashFacts(json: json)
            putCrash.bind(1, key).bind(2, ordinal).bind(3, crash.id ?? "\(id)#\(ordinal)")
            putCrash.bind(4, crash.kind ?? "unknown").bind(5, crash.signal).bind(6, crash.exception)
            putCrash.bind(7, crash.thread).bind(8, crash.time ?? ended).bind(9, crash.time)
            putCrash.bind(10, try signatures.id(of: crash.signature ?? "unknown")).bind(11, crash.quality)
            putCrash.bind(12, crash.stackHash).bind(13, imageID).bind(14, tagID).bind(15, locationID)
            try putCrash.bind(16, blob: json).run()
        }
    }
}

/// Numbers for texts that repeat, kept in a table of `id` and `text`. 0 stands for no text.
private final class Interning {
    private let find: Statement
    private let insert: Statement
    private var known: [String: Int64] = [:]

    init(_ table: String, on connection: Connection) throws(CatalogError) {
        find = try connection.prepare("SELECT id FROM \(table) WHERE text = ?1")
        insert = try connection.prepare("INSERT INTO \(table)(text) VALUES(?1) RETURNING id")
    }

    func id(of text: String?) throws(CatalogError) -> Int64 {
        guard let text else { return 0 }
        if let id = known[text] { return id }
        for statement in [find, insert] {
            statement.bind(1, text)
            guard try statement.step() else { continue }
            let id = statement.integer(0)
            statement.reset()
            known[text] = id
            return id
        }
        return 0
    }
}
