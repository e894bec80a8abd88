public import Model
public import PackHome

extension Catalog {
    /// The downloads that the session's last commit packed and that may still be in the spool.
    ///
    /// - Returns: an empty set when the pack cannot be found now: then nothing proves that the bytes exist elsewhere.
    public func packedDownloads(
        _ session: String, in home: any PackHome
    ) throws(CatalogError) -> Set<PackedDownload> {
        guard let pack = try self.session(session)?.pack, case .present = home.presence(of: pack) else { return [] }
        return try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                """
                SELECT d.name, d.bytes, d.modified FROM downloads d JOIN sessions s ON s.key = d.session WHERE s.id = ?1
                """)
            rows.bind(1, session)
            var found: Set<PackedDownload> = []
            while try rows.step() {
                found.insert(PackedDownload(name: rows.text(0), bytes: rows.unsigned(1), modified: rows.integer(2)))
            }
            return found
        }
    }
}
