import Catalog
import Model
import Pack

/// The members of a session's pack: from the catalog, or from the pack itself where the catalog does not store them.
enum PackMembers {
    /// Calls `body` with each member, in pack order. A session without a pack has none.
    ///
    /// - Throws: `CatalogError`, or what the closure throws; ``StoreError`` if the members are only in the pack and it
    ///   cannot be read. If just its list of artifacts is damaged, that is thrown after all members were passed.
    static func forEach(
        of session: SessionRecord, in store: Store, _ body: (MemberRecord) throws -> Void
    ) throws {
        let catalog = try store.catalog()
        guard !catalog.storesMembers else { return try catalog.forEachMember(session.session, body) }
        guard session.pack != nil else { return }
        let pack = try SessionPack(session, in: store)
        for (ordinal, member) in pack.reader.members.enumerated() {
            try body(MemberRecord(member, ordinal: ordinal, artifact: pack.artifact(of: member)))
        }
        if let damage = pack.artifactsDamage {
            throw pack.artifactsUnreadable(damage, hint: "salvage verify names what is damaged")
        }
    }
}
