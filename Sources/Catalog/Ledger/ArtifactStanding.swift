public import Model

/// The part of an artifact's ledger row that rules are evaluated against.
public struct ArtifactStanding: Sendable, Equatable {
    /// The container path, or `logs`.
    public var artifact: String
    /// Its state in the ledger.
    public var state: ArtifactState
    /// Why, for every state but `collected`.
    public var reason: String?
    /// Time of the last attempt (ms since 1970).
    public var lastTry: Int64?
    /// Number of attempts; 0 where it is not read.
    public var tries = 0

    /// Creates a standing.
    public init(
        artifact: String, state: ArtifactState, reason: String? = nil, lastTry: Int64? = nil, tries: Int = 0
    ) {
        self.artifact = artifact
        self.state = state
        self.reason = reason
        self.lastTry = lastTry
        self.tries = tries
    }
}

/// A session with the standings of its artifacts.
public struct SessionLedger: Sendable, Equatable {
    /// The session.
    public var record: SessionRecord
    /// Its artifacts, sorted by name.
    public var artifacts: [ArtifactStanding]

    /// Creates a ledger.
    public init(record: SessionRecord, artifacts: [ArtifactStanding]) {
        self.record = record
        self.artifacts = artifacts
    }
}

extension Catalog {
    /// The selected sessions, newest first, each with its artifacts.
    ///
    /// - Parameters:
    ///   - selection: which sessions; its limit applies to those that `accepts` returns true for.
    ///   - most: the most sessions to examine.
    ///   - accepts: a condition that a selection cannot express. It must not use this catalog.
    /// - Throws: ``CatalogError``.
    public func ledgers(
        _ selection: Selection, lookingAt most: Int = .max, where accepts: (SessionRecord) -> Bool = { _ in true }
    ) throws(CatalogError) -> [SessionLedger] {
        let limit = selection.limit ?? .max
        var selection = selection
        selection.limit = nil
        return try read(selection, limit, most, accepts)
    }

    private func read(
        _ selection: Selection, _ limit: Int, _ most: Int, _ accepts: (SessionRecord) -> Bool
    ) throws(CatalogError) -> [SessionLedger] {
        try read { (connection) throws(CatalogError) in
            let sessions = try SessionQuery(connection, selection)
            // One session at a time is the fastest where a statement costs nothing but its rows.
            let size = connection.isRemote ? PortableSQL.pageSize : 1
            let rows = try connection.prepare(
                """
                SELECT artifact, state, reason, last_try, session FROM artifacts
                WHERE session IN (\(PortableSQL.placeholders(size))) ORDER BY session, artifact
                """)
            var ledgers: [SessionLedger] = []
            var page: [Int64: Int] = [:]
            func readPage() throws(CatalogError) {
                let keys = page.keys.sorted()
                guard let last = keys.last else { return }
                for index in 0..<size { rows.bind(Int32(index + 1), index < keys.count ? keys[index] : last) }
                while try rows.step() {
                    guard let place = page[rows.integer(4)] else { continue }
                    ledgers[place].artifacts.append(
                        ArtifactStanding(
                            artifact: rows.text(0), state: ArtifactState(rawValue: rows.text(1)) ?? .failed,
                            reason: rows.textOrNil(2), lastTry: rows.integerOrNil(3)))
                }
                page.removeAll(keepingCapacity: true)
            }
            var looked = 0
            while ledgers.count < limit, looked < most, let record = try sessions.next() {
                looked += 1
                guard accepts(record) else { continue }
                page[sessions.key] = ledgers.count
                ledgers.append(SessionLedger(record: record, artifacts: []))
                if page.count == size { try readPage() }
            }
            try readPage()
            return ledgers
        }
    }

    /// Whether any session has an artifact in this state.
    public func hasArtifacts(in state: ArtifactState) throws(CatalogError) -> Bool {
        try read { (connection) throws(CatalogError) in
            try connection.integer(
                "SELECT 1 FROM artifacts WHERE state = ? LIMIT 1", [.text(state.rawValue)]) != nil
        }
    }
}
