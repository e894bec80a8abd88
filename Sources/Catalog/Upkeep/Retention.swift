import Model
import Pack
public import PackHome
public import Text

/// The rules for what a prune may delete and must keep.
public struct RetentionRules: Sendable, Equatable {
    /// Packs of sessions that ended longer ago than this, in milliseconds, may be deleted.
    public var olderThan: Int64?
    /// While the packs take more than this many bytes, the oldest may be deleted.
    public var maxBytes: UInt64?
    /// The number of newest sessions of each signature that are always kept.
    public var keepPerSignature: Int

    /// Creates rules; by default they delete nothing.
    public init(olderThan: Int64? = nil, maxBytes: UInt64? = nil, keepPerSignature: Int = 0) {
        self.olderThan = olderThan
        self.maxBytes = maxBytes
        self.keepPerSignature = keepPerSignature
    }

    /// Whether the rules delete nothing.
    public var isEmpty: Bool { olderThan == nil && maxBytes == nil }
}

/// One session's pack, with the properties that retention considers.
public struct RetentionCandidate: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// When it ended, in milliseconds since 1970.
    public var at: Int64
    /// The pack's size on disk, in bytes.
    public var packBytes: UInt64
    /// The signatures of its crashes.
    public var signatures: [String]
    /// Whether the session is pinned.
    public var isPinned: Bool

    /// Creates a candidate.
    public init(session: String, at: Int64, packBytes: UInt64, signatures: [String] = [], isPinned: Bool = false) {
        self.session = session
        self.at = at
        self.packBytes = packBytes
        self.signatures = signatures
        self.isPinned = isPinned
    }
}

/// Which packs to delete, and why: a pure function of candidates, rules and time.
public struct RetentionPlan: Sendable, Equatable {
    /// One pack to delete.
    public struct Removal: Sendable, Equatable {
        /// The session's id.
        public var session: String
        /// Its size on disk, in bytes.
        public var bytes: UInt64
        /// The rule that deletes it, in words.
        public var reason: String
    }

    /// The packs to delete, in order.
    public private(set) var removals: [Removal] = []
    /// Number of packs kept only because they are pinned.
    public private(set) var pinned = 0
    /// Number of packs kept only because they are among the newest of a signature.
    public private(set) var examples = 0
    /// Bytes by which the kept packs still exceed the limit.
    public private(set) var excess: UInt64 = 0

    /// Total bytes to delete.
    public var bytes: UInt64 { removals.reduce(0) { $0 &+ $1.bytes } }

    /// Makes the plan. Age is applied first. Then, while the rest is too large, sessions without crashes are deleted
    /// before those with crashes, oldest first.
    public init(_ candidates: [RetentionCandidate], rules: RetentionRules, now: Int64) {
        let kept = Self.examples(candidates, count: rules.keepPerSignature)
        let oldestFirst = candidates.sorted { ($0.at, ByteText($0.session)) < ($1.at, ByteText($1.session)) }
        var spared: ByteSet = []
        var rest: [RetentionCandidate] = []
        for candidate in oldestFirst {
            guard let limit = rules.olderThan, now &- candidate.at > limit else {
                rest.append(candidate)
                continue
            }
            if spare(candidate, kept, &spared) {
                rest.append(candidate)
            } else {
                removals.append(
                    Removal(
                        session: candidate.session, bytes: candidate.packBytes, reason: "older than \(Self.span(limit))"
                    ))
            }
        }
        guard let most = rules.maxBytes else { return }
        var total = rest.reduce(UInt64(0)) { $0 &+ $1.packBytes }
        for candidate in rest.filter({ $0.signatures.isEmpty }) + rest.filter({ !$0.signatures.isEmpty }) {
            guard total > most else { break }
            guard !spare(candidate, kept, &spared) else { continue }
            total -= candidate.packBytes
            removals.append(
                Removal(
                    session: candidate.session, bytes: candidate.packBytes,
                    reason: "the packs took more than \(counted(most, "byte"))"))
        }
        excess = total > most ? total - most : 0
    }

    private mutating func spare(
        _ candidate: RetentionCandidate, _ kept: ByteSet, _ counted: inout ByteSet
    ) -> Bool {
        guard candidate.isPinned || kept.contains(candidate.session) else { return false }
        if counted.insert(candidate.session).inserted {
            if candidate.isPinned { pinned += 1 } else { examples += 1 }
        }
        return true
    }

    /// The `count` newest sessions of each signature.
    private static func examples(_ candidates: [RetentionCandidate], count: Int) -> ByteSet {
        guard count > 0 else { return [] }
        var kept: ByteSet = []
        var seen: ByteDictionary<Int> = [:]
        for candidate in candidates.sorted(by: { ($0.at, ByteText($0.session)) > ($1.at, ByteText($1.session)) }) {
            for signature in ByteSet(candidate.signatures) {
                seen[signature, default: 0] += 1
                if seen[signature, default: 0] <= count { kept.insert(candidate.session) }
            }
        }
        return kept
    }

    private static func span(_ milliseconds: Int64) -> String {
        for (unit, size) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        where (milliseconds >= size || size == 1000) && milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}

extension Catalog {
    /// The signatures of each session's crashes, for retention.
    public func signaturesBySession() throws(CatalogError) -> ByteDictionary<[String]> {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                """
                SELECT s.id, g.text FROM crashes c JOIN sessions s ON s.key = c.session
                JOIN signatures g ON g.id = c.signature WHERE c.survived = 0
                """)
            var signatures: ByteDictionary<[String]> = [:]
            while try rows.step() { signatures[rows.text(0), default: []].append(rows.text(1)) }
            return signatures
        }
    }

    /// Removes packs from their sessions' rows and records when and why, in one transaction. A session that has another
    /// pack by now, or is running or pending, is skipped. Where and when the signatures of its crashes were seen is
    /// remembered. The caller deletes the files afterwards.
    ///
    /// In a shared store the same transaction makes the packs garbage, so no pruned pack is ever without a trace; the caller
    /// deletes nothing. A session on which a harvester works is skipped: its next pack would contain this one.
    ///
    /// - Parameters:
    ///   - packs: the session, its expected pack (relative to the store), and the reason.
    ///   - now: the time to record, in milliseconds since 1970.
    /// - Returns: the packs that were removed from the catalog.
    public func prune(
        _ packs: [(session: String, pack: String, reason: String)], now: Int64
    ) throws(CatalogError) -> [String] {
        guard !packs.isEmpty else { return [] }
        let isShared = isShared
        let isFree =
            isShared
            ? " AND NOT EXISTS (SELECT 1 FROM work w WHERE w.session = sessions.id AND w.state = 'leased')" : ""
        return try write { (connection) throws(CatalogError) in
            let find = try connection.prepare(
                """
                SELECT key FROM sessions WHERE id = ?1 AND pack = ?2 AND state NOT IN ('running', 'pending')\(isFree)
                \(connection.rowLock)
                """)
            let note = try connection.prepare(
                """
                UPDATE sessions SET \(SessionColumns.withoutPack), pruned = ?2, pruned_why = ?3 WHERE key = ?1
                """)
            var forgotten: [String] = []
            for (session, pack, reason) in packs {
                find.bind(1, session).bind(2, pack)
                guard try find.step() else { continue }
                let key = find.integer(0)
                find.reset()
                if isShared { try Self.discard([Garbage(key: pack, session: session)], connection) }
                try Self.remember(session: key, connection)
                try connection.execute(
                    """
                    \(connection.deleteMembers(of: key)) DELETE FROM crashes WHERE session = \(key);
                    DELETE FROM downloads WHERE session = \(key);
                    """)
                try note.bind(1, key).bind(2, now).bind(3, reason).run()
                forgotten.append(pack)
            }
            return forgotten
        }
    }

    /// A pack in the store that no session's row refers to.
    public struct Unreferenced: Sendable {
        /// The pack.
        public var pack: StoredPack
        /// The session's id; nil when the pack is damaged.
        public var session: String?
        /// Whether it was pruned and the prune was interrupted.
        public var isPruned: Bool
    }

    /// Packs in the store that no session's row refers to: those left by an interrupted prune, and others, which
    /// `reindex` would adopt. The disk is listed before the rows are read, so packs committed meanwhile are not
    /// included; packs published but not yet committed may be.
    public func unreferencedPacks(in home: any PackHome) throws(CatalogError) -> [Unreferenced] {
        let listing = home.list()
        let named: Set<String> = try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare("SELECT pack FROM sessions WHERE pack IS NOT NULL")
            var named: Set<String> = []
            while try rows.step() { named.insert(rows.text(0)) }
            return named
        }
        var found: [Unreferenced] = []
        for pack in listing.packs where !named.contains(pack.path) {
            var id: String?
            do throws(PackError) {
                id = try home.reader(for: pack.path).session().session
            } catch {
                // Removed meanwhile, or unreadable now: skip it.
                if error.isAbsence || error.isLocalFault { continue }
            }
            let record = if let id { try session(id) } else { nil as SessionRecord? }
            found.append(
                Unreferenced(
                    pack: pack, session: id, isPruned: record.map { $0.pruned != nil && $0.pack == nil } ?? false))
        }
        return found
    }

    /// Matches a finished session without a pack: its rows are only history.
    private static let isHistory = "pack IS NULL AND state NOT IN ('running', 'pending') AND at <"

    /// Finished sessions without a pack that ended before this time: their rows are only history.
    ///
    /// - Parameter time: in milliseconds since 1970.
    public func historyBefore(_ time: Int64) throws(CatalogError) -> [(session: String, at: Int64)] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                "SELECT id, at FROM sessions WHERE \(Self.isHistory) ?1 ORDER BY at, key")
            rows.bind(1, time)
            var sessions: [(session: String, at: Int64)] = []
            while try rows.step() { sessions.append((rows.text(0), rows.integer(1))) }
            return sessions
        }
    }

    /// Deletes sessions with all their rows, in one transaction. A session that by now has a pack, is running or
    /// pending, or ended later is skipped.
    ///
    /// - Parameters:
    ///   - sessions: sessions returned by ``historyBefore(_:)``.
    ///   - time: in milliseconds since 1970.
    /// - Returns: the deleted sessions.
    public func forgetHistory(_ sessions: [String], before time: Int64) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
            let find = try connection.prepare(
                "SELECT key FROM sessions WHERE id = ?1 AND \(Self.isHistory) ?2\(connection.rowLock)")
            var forgotten: [String] = []
            for session in sessions {
                find.bind(1, session).bind(2, time)
                guard try find.step() else { continue }
                let key = find.integer(0)
                find.reset()
                try Self.deleteRows(of: key, connection)
                forgotten.append(session)
            }
            return forgotten
        }
    }
}
