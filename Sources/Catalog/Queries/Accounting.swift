public import Model

/// How complete the collection of the selected sessions is.
public struct Coverage: Sendable, Equatable {
    /// Sessions in each state that occurs.
    public var sessions: [SessionState: Int]
    /// Artifacts in each state that occurs.
    public var artifacts: [ArtifactState: Int]
    /// Bytes downloaded.
    public var bytes: UInt64

    /// Creates totals; without arguments, of nothing.
    public init(sessions: [SessionState: Int] = [:], artifacts: [ArtifactState: Int] = [:], bytes: UInt64 = 0) {
        self.sessions = sessions
        self.artifacts = artifacts
        self.bytes = bytes
    }

    /// Whether nothing is missing: every artifact was collected, left out deliberately, or is still pending.
    public var isComplete: Bool {
        (sessions[.lost] ?? 0) == 0
            && [ArtifactState.incomplete, .failed, .lost].allSatisfy { (artifacts[$0] ?? 0) == 0 }
    }

    /// The number of requested artifacts that exist.
    public var existing: Int {
        [ArtifactState.collected, .incomplete, .failed, .lost, .pending].reduce(0) { $0 + (artifacts[$1] ?? 0) }
    }

    /// The share of these that was collected, 0 to 1; 1 if none exists.
    public var collectedShare: Double {
        existing == 0 ? 1 : Double(artifacts[.collected] ?? 0) / Double(existing)
    }
}

/// An artifact that was not collected, or a session that was lost before its artifacts were known.
public struct CoverageGap: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// The artifact's ledger row; nil when the session itself is the gap.
    public var entry: ArtifactEntry?
    /// The session's state.
    public var state: SessionState
    /// The session's reason.
    public var reason: String?
}

/// The totals and the nearest deadline of a store.
public struct StoreStatus: Sendable, Equatable {
    /// Sessions in each state that occurs.
    public var sessions: [SessionState: Int]
    /// The earliest deadline of a pending session (ms since 1970).
    public var nextDeadline: Int64?
    /// The session with that deadline.
    public var nextSession: String?
    /// Number of artifacts still to be fetched.
    public var backlog: Int
    /// Number of packs in the store.
    public var packs: Int
    /// The packs' size on disk, in bytes.
    public var packBytes: UInt64
    /// The members' logical size, in bytes.
    public var memberBytes: UInt64
    /// Number of members in all packs.
    public var members: Int
    /// Number of crashes of all sessions.
    public var crashes: Int
}

extension Catalog {
    /// Counts the states of the selected sessions and of their artifacts; the limit does not apply.
    public func coverage(_ selection: Selection = Selection()) throws(CatalogError) -> Coverage {
        try read { (connection) throws(CatalogError) in
            let filter = try Filter.sessions(selection, on: connection)
            let artifacts = try connection.prepare(
                """
                SELECT a.state, count(*), \(PortableSQL.sum("a.bytes"))
                FROM artifacts a JOIN sessions s ON s.key = a.session\(filter.sql) GROUP BY a.state
                """
            ).bind(filter.values)
            try artifacts.start()
            var coverage = Coverage(sessions: try Self.stateCounts(connection, filter), artifacts: [:], bytes: 0)
            while try artifacts.step() {
                let state = ArtifactState(rawValue: artifacts.text(0)) ?? .failed
                coverage.artifacts[state, default: 0] += Int(clamping: artifacts.integer(1))
                coverage.bytes &+= artifacts.unsigned(2)
            }
            return coverage
        }
    }

    /// Calls `body` with what the selected sessions lack: every artifact that is not `collected`, and every session
    /// without artifacts that is `lost` or `partial`; newest first. `body` must not use this catalog.
    ///
    /// - Parameter collected: whether to include collected artifacts.
    /// - Throws: ``CatalogError``, or what the closure throws.
    public func forEachGap(
        _ selection: Selection = Selection(), collected: Bool = false, _ body: (CoverageGap) throws -> Void
    ) throws {
        try readThrough { connection in
            var filter = try Filter.sessions(selection, on: connection)
            let missing = collected ? "a.state IS NOT NULL" : "a.state <> 'collected'"
            filter.add("(\(missing) OR (a.state IS NULL AND s.state IN ('lost', 'partial')))")
            let limit = selection.limit.map { " LIMIT \(max(0, $0))" } ?? ""
            let rows = try connection.prepare(
                ArtifactColumns.select(extra: ", s.state, s.reason", join: "LEFT JOIN") + filter.sql
                    + " ORDER BY s.at DESC, s.key DESC, a.artifact" + limit
            ).bind(filter.values)
            while try rows.step() {
                try body(
                    CoverageGap(
                        session: rows.text(0), entry: rows.isNull(1) ? nil : ArtifactColumns.record(rows).entry,
                        state: SessionState(rawValue: rows.text(14)) ?? .pending, reason: rows.textOrNil(15)))
            }
        }
    }

    /// The totals and the nearest deadline of the store.
    public func status() throws(CatalogError) -> StoreStatus {
        try read { (connection) throws(CatalogError) in
            let next = try connection.prepare(
                """
                SELECT id, deadline FROM sessions WHERE state = 'pending' AND deadline IS NOT NULL
                ORDER BY deadline, key LIMIT 1
                """)
            let backlog = try connection.prepare("SELECT count(*) FROM artifacts WHERE state = 'pending'")
            let totals = try connection.prepare(
                """
                SELECT count(pack), \(PortableSQL.sum("pack_bytes")), \(PortableSQL.sum("bytes")),
                    \(PortableSQL.sum("members")), \(PortableSQL.sum("crashes")) FROM sessions
                """)
            for statement in [next, backlog, totals] { try statement.start() }
            var status = StoreStatus(
                sessions: try Self.stateCounts(connection, Filter()), backlog: 0, packs: 0, packBytes: 0,
                memberBytes: 0, members: 0, crashes: 0)
            if try next.step() { (status.nextSession, status.nextDeadline) = (next.text(0), next.integer(1)) }
            if try backlog.step() { status.backlog = Int(clamping: backlog.integer(0)) }
            if try totals.step() {
                status.packs = Int(clamping: totals.integer(0))
                status.packBytes = totals.unsigned(1)
                status.memberBytes = totals.unsigned(2)
                status.members = Int(clamping: totals.integer(3))
                status.crashes = Int(clamping: totals.integer(4))
            }
            return status
        }
    }

    private static func stateCounts(
        _ connection: any SQLConnection, _ filter: Filter
    ) throws(CatalogError) -> [SessionState: Int] {
        let rows = try connection.prepare("SELECT s.state, count(*) FROM sessions s\(filter.sql) GROUP BY s.state")
        rows.bind(filter.values)
        var counts: [SessionState: Int] = [:]
        while try rows.step() {
            counts[SessionState(rawValue: rows.text(0)) ?? .pending, default: 0] += Int(clamping: rows.integer(1))
        }
        return counts
    }
}
