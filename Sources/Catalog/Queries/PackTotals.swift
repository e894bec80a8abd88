extension Catalog {
    /// The number of sessions with a pack and the packs' total size in bytes; nil when the catalog cannot be read or
    /// has another layout.
    ///
    /// A search of all sessions needs nothing else from the catalog, so this skips the setup of a ``Catalog``, which
    /// would take longer than the search.
    public static func packTotals(store: String) -> (packs: Int, bytes: UInt64)? {
        let path = store.hasSuffix("/") ? store + fileName : store + "/" + fileName
        guard let database = try? SQLiteDatabase(path: path, readOnly: true, busyTimeout: 2) else { return nil }
        return try? database.direct { connection in
            guard try connection.integer("PRAGMA application_id") == Schema.applicationID,
                try connection.integer("PRAGMA user_version") == Schema.version
            else { return nil }
            let totals = try connection.prepare(
                "SELECT count(*), total(pack_bytes) FROM sessions WHERE pack IS NOT NULL")
            guard try totals.step() else { return nil }
            return (Int(clamping: totals.integer(0)), totals.unsigned(1))
        }
    }
}
