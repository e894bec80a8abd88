import Text

/// A pinned session of a shared catalog.
package struct PinRow: Sendable, Equatable {
    /// The session's id.
    package var session: String
    /// When it was pinned (ms since 1970).
    package var at: Int64
    /// Who pinned it; nil if that was not said.
    package var by: String?

    /// Creates a pin.
    package init(session: String, at: Int64, by: String? = nil) {
        self.session = session
        self.at = at
        self.by = by
    }
}

extension Catalog {
    /// The pins of a shared catalog, by session.
    package func pins() throws(CatalogError) -> [PinRow] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare("SELECT session, at, by FROM pins ORDER BY session")
            var pins: [PinRow] = []
            while try rows.step() {
                pins.append(PinRow(session: rows.text(0), at: rows.integer(1), by: rows.textOrNil(2)))
            }
            return pins
        }
    }

    /// Pins sessions of a shared catalog, all or none. One that is pinned keeps its first pin.
    package func pin(_ pins: [PinRow]) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            let put = try connection.prepare(
                "INSERT INTO pins(session, at, by) VALUES(?1, ?2, ?3) ON CONFLICT(session) DO NOTHING")
            // In one order, so that two writers never wait for each other.
            for pin in pins.sorted(by: { $0.session.precedesInBytes($1.session) }) {
                try put.bind(1, pin.session).bind(2, pin.at).bind(3, pin.by).run()
            }
        }
    }

    /// Removes the pins of sessions of a shared catalog, all or none.
    package func unpin(_ sessions: [String]) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            let remove = try connection.prepare("DELETE FROM pins WHERE session = ?1")
            for session in sessions.sorted(by: { $0.precedesInBytes($1) }) {
                try remove.bind(1, session).run()
            }
        }
    }
}
