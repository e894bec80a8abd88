public import Text

extension Catalog {
    /// Offers sessions that ended. One that is done, or claimed at the moment, is left alone; one that was offered before
    /// keeps the nearer deadline. One that is claimed by hand is offered once that claim ends.
    ///
    /// A session that is settled while it is offered may be offered again: whoever claims it finds that it is done.
    ///
    /// - Returns: how many offers are new or changed an earlier one.
    /// - Throws: ``CatalogError``, also when an id contains a NUL, which the database cannot store.
    @discardableResult
    public func offer(_ offers: [WorkOffer]) throws(CatalogError) -> Int {
        guard !offers.isEmpty else { return 0 }
        return try write { (connection) throws(CatalogError) in
            let offer = try connection.prepare(
                """
                INSERT INTO work AS w(session, priority, deadline, facts)
                SELECT r.session, r.priority, r.deadline, r.facts FROM \(FleetSQL.offered("?1"))
                WHERE NOT EXISTS (
                    SELECT 1 FROM sessions s WHERE s.id = r.session AND s.state NOT IN ('running', 'pending'))
                ORDER BY r.session
                ON CONFLICT(session) DO UPDATE SET priority = greatest(w.priority, excluded.priority),
                    deadline = least(w.deadline, excluded.deadline), facts = excluded.facts
                WHERE w.state = 'pending' AND (w.priority < excluded.priority OR w.deadline > excluded.deadline)
                    OR w.state = 'leased' AND \(HarvesterName.isByHand(in: "w.owner"))
                RETURNING 1
                """)
            offer.bind(1, FleetSQL.offers(offers))
            return try Self.count(offer)
        }
    }

    /// Claims pending sessions: those that look crashed first, then by deadline. Claims of several harvesters at once never
    /// wait for each other and never get the same session.
    ///
    /// - Parameters:
    ///   - count: the most to claim.
    ///   - owner: who claims; see ``HarvesterName/owner``.
    ///   - lease: how long the claim lasts unless it is renewed, in milliseconds.
    public func claim(_ count: Int, by owner: String, lease: Int64) throws(CatalogError) -> [ClaimedWork] {
        guard count > 0 else { return [] }
        return try write { (connection) throws(CatalogError) in
            let claim = try connection.prepare(
                """
                WITH c AS (SELECT session FROM work WHERE state = 'pending' ORDER BY priority DESC, deadline LIMIT ?1
                    FOR UPDATE SKIP LOCKED)
                UPDATE work w SET state = 'leased', owner = ?2, epoch = \(FleetSQL.epoch(after: "w.epoch")),
                    lease_until = clock_timestamp() + \(FleetSQL.milliseconds("?3")), tries = w.tries + 1
                FROM c WHERE w.session = c.session RETURNING \(FleetSQL.claimColumns)
                """)
            claim.bind(1, count).bind(2, owner).bind(3, lease)
            return try Self.claims(claim)
        }
    }

    /// Claims certain sessions, offered or not: those whose downloads this machine has, and done ones of which more is to be
    /// fetched. A session that is claimed is left alone, also one that `owner` has claimed: it is at work on it.
    ///
    /// - Parameters: as for ``claim(_:by:lease:)``.
    /// - Returns: the sessions that were claimed.
    public func acquire(_ offers: [WorkOffer], by owner: String, lease: Int64) throws(CatalogError) -> [ClaimedWork] {
        guard !offers.isEmpty else { return [] }
        return try write { (connection) throws(CatalogError) in
            let acquire = try connection.prepare(
                """
                INSERT INTO work AS w(session, state, owner, epoch, lease_until, tries, priority, deadline, facts)
                SELECT r.session, 'leased', CAST(?2 AS text), \(FleetSQL.now),
                    clock_timestamp() + \(FleetSQL.milliseconds("?3")), 1, r.priority, r.deadline, r.facts
                FROM \(FleetSQL.offered("?1")) ORDER BY r.session
                ON CONFLICT(session) DO UPDATE SET state = 'leased', owner = excluded.owner,
                    epoch = greatest(w.epoch + 1, excluded.epoch), lease_until = excluded.lease_until,
                    tries = w.tries + 1,
                    deadline = CASE WHEN w.facts = ?4 THEN excluded.deadline ELSE w.deadline END,
                    facts = CASE WHEN w.facts = ?4 THEN excluded.facts ELSE w.facts END
                WHERE w.state = 'pending' OR w.lease_until < clock_timestamp()
                RETURNING \(FleetSQL.claimColumns)
                """)
            acquire.bind(1, FleetSQL.offers(offers)).bind(2, owner).bind(3, lease).bind(4, WorkOffer.byHand)
            return try Self.claims(acquire)
        }
    }

    /// Renews all leases of one harvester, in one statement.
    ///
    /// A lease that ended is renewed too, unless another harvester has the session by now.
    ///
    /// - Returns: the sessions that it still holds, with their epochs.
    public func renew(by owner: String, lease: Int64) throws(CatalogError) -> ByteDictionary<Int64> {
        try write { (connection) throws(CatalogError) in
            // Rows are locked in the order of their sessions by every statement that locks several, so that two of them
            // never wait for each other.
            let renew = try connection.prepare(
                """
                WITH c AS (SELECT session FROM work WHERE state = 'leased' AND owner = ?1 ORDER BY session FOR UPDATE)
                UPDATE work w SET lease_until = clock_timestamp() + \(FleetSQL.milliseconds("?2"))
                FROM c WHERE w.session = c.session RETURNING w.session, w.epoch
                """)
            renew.bind(1, owner).bind(2, lease)
            var held: ByteDictionary<Int64> = [:]
            while try renew.step() { held[renew.text(0)] = renew.integer(1) }
            return held
        }
    }

    /// Gives claims back, so that others need not wait for their leases to end. A claim that does not hold any more is
    /// ignored.
    public func release(_ fences: [WorkFence]) throws(CatalogError) {
        guard !fences.isEmpty else { return }
        try write { (connection) throws(CatalogError) in
            try connection.prepare(
                """
                WITH c AS (SELECT w.session FROM work w JOIN \(FleetSQL.fenced("?1")) ON \(FleetSQL.holds)
                    ORDER BY w.session FOR UPDATE OF w)
                UPDATE work w SET state = 'pending', owner = NULL, lease_until = NULL, tries = greatest(w.tries - 1, 0)
                FROM c WHERE w.session = c.session
                """
            ).bind(1, FleetSQL.fences(fences)).run()
        }
    }

    /// Removes claimed sessions from the work, because there is nothing to do: they were done already.
    public func dismiss(_ fences: [WorkFence]) throws(CatalogError) {
        guard !fences.isEmpty else { return }
        try write { (connection) throws(CatalogError) in
            try connection.prepare("DELETE FROM work w USING \(FleetSQL.fenced("?1")) WHERE \(FleetSQL.holds)").bind(
                1, FleetSQL.fences(fences)
            ).run()
        }
    }

    /// Makes sessions claimable whose leases have ended. Any harvester may call it, at any time.
    ///
    /// A session that was left three times goes behind all others: it may be what ends the harvesters that claim it.
    ///
    /// - Returns: those sessions; at most 500.
    @discardableResult
    public func expireLeases() throws(CatalogError) -> [String] {
        try write { (connection) throws(CatalogError) in
            let expire = try connection.prepare(
                """
                WITH c AS (SELECT session FROM work WHERE state = 'leased' AND lease_until < clock_timestamp()
                    ORDER BY lease_until LIMIT 500 FOR UPDATE SKIP LOCKED)
                UPDATE work w SET state = 'pending', owner = NULL, lease_until = NULL, expired = w.expired + 1,
                    priority = CASE WHEN w.expired >= 2 THEN -1 ELSE w.priority END
                FROM c WHERE w.session = c.session RETURNING w.session
                """)
            var sessions: [String] = []
            while try expire.step() { sessions.append(expire.text(0)) }
            return sessions
        }
    }

    /// Whether anything is offered that nobody has claimed.
    public func hasPendingWork() throws(CatalogError) -> Bool {
        try read { (connection) throws(CatalogError) in
            try connection.integer("SELECT 1 FROM work WHERE state = 'pending' LIMIT 1") != nil
        }
    }

    /// Whether a harvester works on a session.
    public func isClaimed(_ session: String) throws(CatalogError) -> Bool {
        try read { (connection) throws(CatalogError) in
            try connection.integer("SELECT 1 FROM work WHERE session = ? AND state = 'leased'", [.text(session)]) != nil
        }
    }

    private static func claims(_ statement: any SQLStatement) throws(CatalogError) -> [ClaimedWork] {
        var claims: [ClaimedWork] = []
        while try statement.step() { claims.append(FleetSQL.claim(statement)) }
        return claims
    }

    /// The number of rows that a statement returns.
    static func count(_ statement: any SQLStatement) throws(CatalogError) -> Int {
        var count = 0
        while try statement.step() { count += 1 }
        return count
    }
}
