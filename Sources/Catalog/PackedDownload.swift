internal import Pack

/// A download as it lay in the spool when it was packed: the ledger's proof that this file, and no other of the same
/// artifact, is in the session's pack.
public struct PackedDownload: Sendable, Hashable {
    /// The file's name in the session's folder of the spool.
    public var name: String
    /// Its size in bytes.
    public var bytes: UInt64
    /// Its last change, in nanoseconds since 1970 UTC.
    public var modified: Int64

    /// Collects the facts.
    public init(name: String, bytes: UInt64, modified: Int64) {
        self.name = name
        self.bytes = bytes
        self.modified = modified
    }
}

extension Catalog {
    /// The downloads that the last commit of a session put into its pack, as far as they may still lie in the spool.
    ///
    /// - Returns: none where the pack is not there now: then nothing proves that their bytes are anywhere else.
    public func packedDownloads(_ session: String) throws(CatalogError) -> Set<PackedDownload> {
        guard let pack = try self.session(session)?.pack,
            case .present = StorePacks.presence(of: pack, store: store)
        else { return [] }
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
