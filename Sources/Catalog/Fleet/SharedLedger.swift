public import Model
public import Text

/// What a harvester of a shared store writes at once: rows of the ledger, and the sessions that it is done with.
public struct SharedBatch: Sendable {
    /// The rows.
    public var ledger: LedgerBatch
    /// The epochs of the sessions that the harvester holds.
    public var held: ByteDictionary<Int64>
    /// Held sessions that are done with these rows: their claims end in the same transaction.
    public var settled: [String] = []
    /// Sessions that run again: nobody fetches them any more, whoever holds them.
    public var withdrawn: [String] = []

    /// Creates a batch.
    public init(_ ledger: LedgerBatch = LedgerBatch(), held: ByteDictionary<Int64> = [:]) {
        self.ledger = ledger
        self.held = held
    }

    /// Whether there is nothing to record.
    public var isEmpty: Bool { ledger.isEmpty && settled.isEmpty && withdrawn.isEmpty }
}

/// What the database says about a session, with its rows locked.
struct SharedStanding: Sendable, Equatable {
    /// Who holds it; nil when nobody does.
    var owner: String?
    var epoch: Int64 = 0
    /// Its state in the ledger; nil without a row.
    var state: SessionState?
}

extension SharedBatch {
    /// Whose rows a harvester may write.
    ///
    /// - A session that it holds: all rows.
    /// - One that it believes to hold, but does not: none. The rows of whoever holds it now, or of whoever settled it, stay.
    ///   The rows are dropped, not kept: what they say about downloads is in the spool, too, and is recorded when the session
    ///   is claimed again.
    /// - One that nobody holds: what the lists say about it, which are new sessions, exits, and losses of sessions that were
    ///   never claimed. A settled one does not become pending or running this way; only ``withdrawn`` does that.
    /// - One that another harvester holds: nothing, except that it runs again. Somebody who has claimed it by hand does not
    ///   know what the lists say, so it counts as one that nobody holds.
    func permitted(
        by owner: String, _ standings: ByteDictionary<SharedStanding>
    ) -> (ledger: LedgerBatch, fenced: ByteSet) {
        let again = ByteSet(withdrawn)
        var fenced = ByteSet()
        func rights(_ session: String) -> Rights {
            let standing = standings[session] ?? SharedStanding()
            if let epoch = held[session] {
                if standing.owner?.hasSameBytes(as: owner) == true, standing.epoch == epoch { return .all }
                if !again.contains(session) { fenced.insert(session) }
            }
            if again.contains(session) { return .lists }
            if held[session] != nil || standing.owner.map({ !HarvesterName.isByHand($0) }) ?? false { return .none }
            return standing.state?.isFinal == true ? .none : .lists
        }
        var permitted = LedgerBatch()
        permitted.sessions = ledger.sessions.filter { update in
            switch rights(update.session) {
            case .none: return false
            case .all: return true
            case .lists:
                // Only its holder ends a session that is to be fetched.
                guard update.state?.isFinal == true else { return true }
                return standings[update.session]?.state != .pending
            }
        }
        permitted.artifacts = ledger.artifacts.filter { rights($0.session) == .all }
        permitted.requests = ledger.requests.filter { rights($0.session) != .none }
        // The record of the packed files in a spool, usually of a session that was settled a moment ago. Whoever works on
        // it now has packed files of its own there.
        permitted.released = ledger.released.filter { session in
            standings[session]?.owner?.hasSameBytes(as: owner) ?? true
        }
        for session in settled where rights(session) != .all { fenced.insert(session) }
        return (permitted, fenced)
    }

    private enum Rights { case none, lists, all }

    /// Every session that the batch is about, each once, in the order of their bytes.
    var sessions: [String] {
        var names = ByteSet(ledger.sessions.lazy.map(\.session))
        for artifact in ledger.artifacts { names.insert(artifact.session) }
        for request in ledger.requests { names.insert(request.session) }
        for name in ledger.released + settled + withdrawn { names.insert(name) }
        return names.sorted { $0.precedesInBytes($1) }
    }
}

extension Catalog {
    /// Records one step of a harvest of a shared store in one transaction: only the rows that the harvester may write, and
    /// the end of its claims with them.
    ///
    /// - Parameter owner: the harvester; see ``HarvesterName/owner``.
    /// - Returns: the sessions of which nothing was recorded because their leases were lost.
    @discardableResult
    public func record(_ batch: SharedBatch, by owner: String) throws(CatalogError) -> [String] {
        guard !batch.isEmpty else { return [] }
        let names = FleetSQL.array(batch.sessions)
        return try write { (connection) throws(CatalogError) in
            let standings = try Self.standings(names, connection)
            let (ledger, fenced) = batch.permitted(by: owner, standings)
            if !ledger.isEmpty {
                let writer = try LedgerWriter(connection)
                for update in ledger.sessions { try writer.apply(update) }
                for artifact in ledger.artifacts { try writer.put(artifact) }
                for request in ledger.requests { try writer.append(request) }
                for session in ledger.released { try writer.release(session) }
            }
            let ended = batch.settled.filter { !fenced.contains($0) } + batch.withdrawn
            if !ended.isEmpty {
                try connection.prepare("DELETE FROM work WHERE session IN \(FleetSQL.texts("?1"))").bind(
                    1, FleetSQL.array(ended)
                ).run()
            }
            return fenced.sorted { $0.precedesInBytes($1) }
        }
    }

    /// Reads and locks what the database says about sessions: claims first, then rows, as a commit does.
    private static func standings(
        _ names: String, _ connection: any SQLConnection
    ) throws(CatalogError) -> ByteDictionary<SharedStanding> {
        var standings: ByteDictionary<SharedStanding> = [:]
        let work = try connection.prepare(
            """
            SELECT session, owner, epoch FROM work WHERE session IN \(FleetSQL.texts("?1")) ORDER BY session FOR UPDATE
            """)
        work.bind(1, names)
        while try work.step() {
            standings[work.text(0)] = SharedStanding(owner: work.textOrNil(1), epoch: work.integer(2))
        }
        let rows = try connection.prepare(
            "SELECT id, state FROM sessions WHERE id IN \(FleetSQL.texts("?1")) ORDER BY id FOR UPDATE")
        rows.bind(1, names)
        while try rows.step() {
            standings[rows.text(0), default: SharedStanding()].state = SessionState(rawValue: rows.text(1))
        }
        return standings
    }

    // MARK: What other harvesters did

    /// Of these sessions, those that are done.
    public func settled(among sessions: [String]) throws(CatalogError) -> [String] {
        try named(sessions, "state NOT IN ('running', 'pending')")
    }

    /// Of these sessions, those that do not run any more according to the ledger.
    public func ended(among sessions: [String]) throws(CatalogError) -> [String] {
        try named(sessions, "state <> 'running'")
    }

    private func named(_ sessions: [String], _ condition: String) throws(CatalogError) -> [String] {
        guard !sessions.isEmpty else { return [] }
        return try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                "SELECT id FROM sessions WHERE id IN \(FleetSQL.texts("?1")) AND \(condition)")
            rows.bind(1, FleetSQL.array(sessions))
            var found: [String] = []
            while try rows.step() { found.append(rows.text(0)) }
            return found
        }
    }

    /// The running sessions that a harvester recorded since a time, oldest first, with their labels.
    ///
    /// - Parameter since: in milliseconds since 1970, by the clocks of the harvesters: ask for some time twice.
    public func running(since: Int64) throws(CatalogError) -> [SessionRecord] {
        let which = "s.state = 'running' AND s.first_seen >= ?1"
        return try read { (connection) throws(CatalogError) in
            var labels: ByteDictionary<ByteDictionary<String>> = [:]
            let pairs = try connection.prepare(
                "SELECT s.id, l.key, l.value FROM labels l JOIN sessions s ON s.key = l.session WHERE \(which)")
            pairs.bind(1, since)
            while try pairs.step() { labels[pairs.text(0), default: [:]][pairs.text(1)] = pairs.text(2) }
            let rows = try connection.prepare(SessionColumns.select() + " WHERE \(which) ORDER BY s.first_seen, s.key")
            rows.bind(1, since)
            var found: [SessionRecord] = []
            while try rows.step() {
                var record = SessionColumns.record(rows)
                record.identity.labels = labels[record.session] ?? [:]
                found.append(record)
            }
            return found
        }
    }
}
