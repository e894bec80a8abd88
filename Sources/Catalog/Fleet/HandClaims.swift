import Text

/// Claims of sessions that somebody works on by hand, such as to ingest files into them.
extension Catalog {
    /// Who works on a session: the id of the harvester, or of whoever has claimed it by hand; nil for nobody.
    public func claimant(of session: String) throws(CatalogError) -> String? {
        try read { (connection) throws(CatalogError) in
            let row = try connection.prepare(
                """
                SELECT \(HarvesterName.id(in: "owner")) FROM work
                WHERE session = ?1 AND state = 'leased' AND lease_until >= clock_timestamp()
                """)
            return try row.bind(1, session).step() ? row.text(0) : nil
        }
    }

    /// Ends a claim that was made with ``WorkOffer/init(byHand:)``. A session that a harvester has offered, before or
    /// meanwhile, is left to the harvesters; any other is no work. A claim that does not hold any more is ignored.
    public func endClaim(byHand fence: WorkFence) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            // Whoever offers the session waits for this lock: it changes these facts before, or inserts its own afterwards.
            let row = try connection.prepare(
                "SELECT facts FROM work WHERE session = ?1 AND owner = ?2 AND epoch = ?3 FOR UPDATE")
            guard try row.bind(1, fence.session).bind(2, fence.owner).bind(3, fence.epoch).step() else { return }
            let isOffered = !row.text(0).hasSameBytes(as: WorkOffer.byHand)
            row.reset()
            try connection.prepare(
                isOffered
                    ? """
                    UPDATE work SET state = 'pending', owner = NULL, lease_until = NULL, tries = greatest(tries - 1, 0)
                    WHERE session = ?1
                    """ : "DELETE FROM work WHERE session = ?1"
            ).bind(1, fence.session).run()
        }
    }
}
