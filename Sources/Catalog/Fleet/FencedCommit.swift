import Model
import Text

extension Catalog {
    /// Records published packs of a claimed session, in one transaction that begins with the claim. See
    /// ``commit(_:from:)-([PackContents],_)``.
    ///
    /// The same transaction ends the claim if it settles the session, and makes the packs that were merged into the new one
    /// garbage in a day: until then, readers that know their paths finish. A recorded pack that was not merged stays: the
    /// sweep compares it with the new one.
    ///
    /// - Parameters:
    ///   - packs: packs of the fence's session, the newest last.
    ///   - source: where they come from.
    ///   - fence: the claim.
    ///   - superseded: the paths of earlier packs that the new one contains.
    /// - Throws: ``CatalogError``, with `lease_lost` when the claim does not hold any more. The pack is then an orphan,
    ///   which the sweep adopts or removes.
    public func commit(
        _ packs: [PackContents], from source: PackSource = .harvest, fence: WorkFence, superseded: [String] = []
    ) throws(CatalogError) {
        guard let last = packs.last else { return }
        let indexed = packs.map { IndexedPack($0, replacesNUL: true) }
        let settles = source == .harvest && last.facts.state.flatMap(SessionState.init(rawValue:))?.isFinal == true
        let texts = try intern(indexed)
        try write { (connection) throws(CatalogError) in
            try Self.require(fence, ends: settles, connection)
            let merged = superseded.filter { path in !packs.contains { $0.path.hasSameBytes(as: path) } }
            try Self.discard(merged.map { Garbage(key: $0, session: fence.session) }, connection)
            let writer = try PackRows(connection, texts)
            for pack in indexed { try writer.put(pack, from: source) }
        }
    }

    /// Locks the row of a claim, or removes it.
    private static func require(
        _ fence: WorkFence, ends: Bool, _ connection: any SQLConnection
    ) throws(CatalogError) {
        let claim = "work WHERE session = ?1 AND owner = ?2 AND epoch = ?3"
        let statement = try connection.prepare(
            ends ? "DELETE FROM \(claim) RETURNING 1" : "SELECT 1 FROM \(claim) FOR UPDATE")
        statement.bind(1, fence.session).bind(2, fence.owner).bind(3, fence.epoch)
        guard try statement.step() else { throw CatalogError.fenced(fence, path: connection.path) }
        statement.reset()
    }

    /// Records a pack of the bucket that no row names, unless somebody works on its session or the pack is garbage. The pack
    /// that the row named before stays in the bucket; the next sweep compares it with this one.
    ///
    /// - Parameters:
    ///   - contents: the pack.
    ///   - replaces: the path of the session's recorded pack that the caller compared it with; nil for none.
    /// - Returns: whether it was recorded; false when the session's row or the pack's standing changed meanwhile.
    public func adopt(_ contents: PackContents, replaces: String?) throws(CatalogError) -> Bool {
        let indexed = IndexedPack(contents, replacesNUL: true)
        let texts = try intern([indexed])
        let session = contents.facts.session
        return try write { (connection) throws(CatalogError) in
            let claim = try connection.prepare("SELECT owner FROM work WHERE session = ?1 FOR UPDATE")
            // Whoever holds it commits this pack or a later one.
            if try claim.bind(1, session).step(), !claim.isNull(0) { return false }
            claim.reset()
            let row = try connection.prepare("SELECT pack FROM sessions WHERE id = ?1 FOR UPDATE")
            let current = try row.bind(1, session).step() ? row.textOrNil(0) : nil
            row.reset()
            guard current.map({ Array($0.utf8) }) == replaces.map({ Array($0.utf8) }) else { return false }
            let garbage = try connection.prepare("SELECT 1 FROM garbage WHERE key = ?1")
            guard try !garbage.bind(1, contents.path).step() else { return false }
            garbage.reset()
            try PackRows(connection, texts).put(indexed, from: .disk)
            return true
        }
    }
}
