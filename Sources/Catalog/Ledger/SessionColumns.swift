public import Model

/// New facts about a session; an unknown fact leaves what is recorded unchanged.
public struct SessionUpdate: IdentifiedSession, Sendable, Equatable {
    /// Who the session is. Its row is created if needed. Facts that are unknown here leave those in the row unchanged;
    /// labels replace all earlier ones.
    public var identity: SessionIdentity
    /// Whether the session has exactly these labels, even if there are none: without, empty labels are unknown.
    public var setsLabels = false
    /// When it ended (ms since 1970, as all times here).
    public var exited: Int64?
    /// When it was first seen; later values are ignored.
    public var seen: Int64?
    /// When it was first seen ended; later values are ignored.
    public var seenExited: Int64?
    /// When the container is expected to be gone.
    public var deadline: Int64?
    /// The new state; a row created without one is `running`.
    public var state: SessionState?
    /// The reason for the state; replaces the old reason whenever a state is given.
    public var reason: String?
    /// `harvest` or `ingest`.
    public var source: String?
    /// Resets the row because the API reused the id for a new session: times and ledger of the earlier session are
    /// deleted; its pack is kept until a new one is committed.
    public var restart = false

    /// Creates an update with these facts.
    public init(_ identity: SessionIdentity, state: SessionState? = nil, reason: String? = nil) {
        self.identity = identity
        self.state = state
        self.reason = reason
    }

    /// Creates an update without facts.
    public init(session: String, state: SessionState? = nil, reason: String? = nil) {
        self.init(SessionIdentity(id: session), state: state, reason: reason)
    }
}

extension SessionUpdate {
    /// Takes the facts in a pack; the state is left as it is.
    init(_ facts: SessionMetadata) {
        self.init(facts.identity)
        setsLabels = true
        exited = facts.exited
        seenExited = facts.firstSeenExited
        deadline = facts.deadline
        source = facts.source
    }

    /// Takes the facts in a row, without its labels.
    init(_ record: SessionRecord) {
        self.init(record.identity)
        exited = record.exited
        seenExited = record.firstSeenExited
        deadline = record.deadline
        source = record.source
    }
}

/// The columns of a session's row: how they are read, and how an update changes them. A new column is a step of each
/// engine's layout, a field of `SessionRecord`, and a few lines in this file.
enum SessionColumns {
    /// The number of columns of ``select(extra:)`` without the further ones.
    static let count: Int32 = 21

    /// The query with further columns from position ``count``; the table is `s`, and the row's key is column 0.
    static func select(extra: String = "") -> String {
        """
        SELECT s.key, s.id, s.image, s.tag, s.location, s.host, s.created, s.first_seen, s.exited,
            s.first_seen_exited, s.deadline, s.state, s.reason, s.source, s.pack, s.pack_bytes,
            s.members, s.bytes, s.crashes, s.pruned, s.pruned_why\(extra)
        FROM sessions s
        """
    }

    /// The row as a record, without its labels.
    static func record(_ row: any SQLStatement) -> SessionRecord {
        // A state from a later version is shown as pending: a newer salvage will handle it.
        var record = SessionRecord(
            SessionIdentity(
                id: row.text(1), image: row.text(2), tag: row.textOrNil(3), location: row.textOrNil(4),
                host: row.textOrNil(5), created: row.integerOrNil(6)),
            state: state(row) ?? .pending)
        record.firstSeen = row.integerOrNil(7)
        record.exited = row.integerOrNil(8)
        record.firstSeenExited = row.integerOrNil(9)
        record.deadline = row.integerOrNil(10)
        record.reason = row.textOrNil(12)
        record.source = row.textOrNil(13)
        record.pack = row.textOrNil(14)
        record.packBytes = row.unsigned(15)
        record.members = Int(clamping: row.integer(16))
        record.bytes = row.unsigned(17)
        record.crashes = Int(clamping: row.integer(18))
        record.pruned = row.integerOrNil(19)
        record.prunedWhy = row.textOrNil(20)
        return record
    }

    /// The row's state; nil for a word that this version does not know.
    static func state(_ row: any SQLStatement) -> SessionState? { SessionState(rawValue: row.text(11)) }

    /// Changes the row with the key `?1` by what ``bind(_:to:)`` binds.
    static let update = """
        UPDATE sessions SET image = coalesce(?2, image), tag = coalesce(?3, tag),
            location = coalesce(?4, location), host = coalesce(?5, host), created = coalesce(?6, created),
            exited = coalesce(?7, exited), first_seen = coalesce(first_seen, ?8),
            first_seen_exited = coalesce(first_seen_exited, ?9), deadline = coalesce(?10, deadline),
            state = coalesce(?11, state), reason = CASE WHEN ?11 IS NULL THEN coalesce(?12, reason) ELSE ?12 END,
            source = coalesce(?13, source),
            at = coalesce(?7, exited, first_seen_exited, ?9, ?6, created, first_seen, ?8, 0)
        WHERE key = ?1
        """

    /// Binds an update to the statement ``update``.
    static func bind(_ change: SessionUpdate, to update: any SQLStatement) {
        let facts = change.identity
        update.bind(2, facts.image.isEmpty ? nil : facts.image).bind(3, facts.tag)
        update.bind(4, facts.location).bind(5, facts.host)
        update.bind(6, change.created).bind(7, change.exited).bind(8, change.seen).bind(9, change.seenExited)
        update.bind(10, change.deadline).bind(11, change.state?.rawValue).bind(12, change.reason)
        update.bind(13, change.source)
    }

    /// The assignments for a row whose session has no pack any more.
    static let withoutPack = "pack = NULL, pack_bytes = 0, members = 0, bytes = 0, crashes = 0"

    /// Forgets the earlier session of the row with a key, whose id was used again.
    static func restart(_ key: Int64) -> String {
        """
        UPDATE sessions SET created = NULL, first_seen = NULL, exited = NULL, first_seen_exited = NULL,
            deadline = NULL, reason = NULL WHERE key = \(key);
        """
    }
}
