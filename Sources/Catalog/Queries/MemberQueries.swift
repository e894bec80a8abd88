public import Pack
public import Text

/// One member as listed in the catalog.
public struct MemberRecord: Sendable, Equatable {
    /// Its index in the pack, from 0.
    public var ordinal: Int
    /// The artifact it belongs to.
    public var artifact: String
    /// The path as spelled in the archive: raw bytes in any encoding.
    public var path: [UInt8]
    /// Its kind.
    public var kind: MemberKind
    /// Unix mode bits, kept as data.
    public var mode: UInt32
    /// Time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// Logical size in bytes, holes included.
    public var size: UInt64
    /// Its share of the pack's compressed bytes.
    public var stored: UInt64
    /// SHA-256 (32 bytes) of the content; empty when it has none.
    public var sha256: [UInt8]
    /// The target of a link, raw bytes.
    public var linkTarget: [UInt8]?
    /// Its properties.
    public var flags: MemberFlags
}

extension Catalog {
    /// The members of a session's pack, in pack order: those whose path matches the glob, or all without one.
    ///
    /// - Throws: ``CatalogError``, with `membersInPack` for a catalog that does not store them (``storesMembers``).
    public func members(_ session: String, path: Glob? = nil) throws(CatalogError) -> [MemberRecord] {
        try read { (connection) throws(CatalogError) in
            let query = try Self.memberQuery(connection, session)
            var records: [MemberRecord] = []
            while try query.step() {
                if let path, !path.matches(query.bytes(2)) { continue }
                records.append(Self.member(query))
            }
            return records
        }
    }

    /// Calls `body` with each member of a session's pack, in pack order; `body` must not use this catalog.
    ///
    /// - Throws: ``CatalogError``, with `membersInPack` for a catalog that does not store them (``storesMembers``), or what
    ///   the closure throws.
    public func forEachMember(
        _ session: String, path: Glob? = nil, _ body: (MemberRecord) throws -> Void
    ) throws {
        try readThrough { connection in
            let query = try Self.memberQuery(connection, session)
            while try query.step() {
                if let path, !path.matches(query.bytes(2)) { continue }
                try body(Self.member(query))
            }
        }
    }

    private static func memberQuery(_ connection: any SQLConnection, _ session: String) throws(CatalogError)
        -> any SQLStatement
    {
        guard connection.storesMembers else {
            throw CatalogError(
                code: .membersInPack, message: "a shared catalog does not store the members of packs",
                path: connection.path, session: session, hint: "read them from the session's pack")
        }
        return try connection.prepare(
            """
            SELECT m.ordinal, coalesce(n.text, ''), m.path, m.kind, m.mode, m.mtime, m.size, m.stored, m.sha256,
                m.link_target, m.flags
            FROM members m LEFT JOIN names n ON n.id = m.artifact
            WHERE m.session = (SELECT key FROM sessions WHERE id = ?1) ORDER BY m.ordinal
            """
        ).bind(1, session)
    }

    private static func member(_ row: any SQLStatement) -> MemberRecord {
        MemberRecord(
            ordinal: Int(clamping: row.integer(0)), artifact: row.text(1), path: row.blob(2),
            kind: MemberKind(rawValue: UInt8(clamping: row.integer(3))) ?? .binary,
            mode: UInt32(clamping: row.integer(4)), mtime: row.integer(5), size: row.unsigned(6),
            stored: row.unsigned(7), sha256: row.blob(8), linkTarget: row.blobOrNil(9),
            flags: MemberFlags(rawValue: UInt32(clamping: row.integer(10))))
    }
}
