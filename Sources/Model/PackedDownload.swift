/// A file in the spool at the time it was packed: the ledger's proof that exactly this download of the artifact is in
/// the session's pack.
public struct PackedDownload: Sendable, Hashable {
    /// The file's name in the session's folder of the spool.
    public var name: String
    /// Its size in bytes.
    public var bytes: UInt64
    /// Its last change, in nanoseconds since 1970 UTC.
    public var modified: Int64

    /// Creates a record of a packed download.
    public init(name: String, bytes: UInt64, modified: Int64) {
        self.name = name
        self.bytes = bytes
        self.modified = modified
    }
}
