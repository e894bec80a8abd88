import Model
import Pack
import PackHome
import Text

/// Checks that a new pack has every member of the session's earlier packs. The child that wrote it reads hostile bytes:
/// a compromised child must not cause the loss of an earlier merge.
enum EarlierMembers {
    /// Checks the new pack.
    ///
    /// - Parameters:
    ///   - new: the new pack.
    ///   - packs: the earlier packs that could be opened.
    ///   - damage: the child's report on each. A pack that was not carried over completely is set aside and needs no
    ///     comparison.
    ///   - session: the session's key, for messages.
    /// - Throws: ``IngestError`` with `foreignPack` when a member is missing; `PackError` when an earlier pack cannot
    ///   be read.
    static func require(
        in new: PackReader, of packs: [EarlierPacks.Found], _ damage: [EarlierDamage], session: String
    ) throws {
        var there: [ByteText: Set<[UInt8]>] = [:]
        let artifacts = try new.artifacts().map { ByteText($0.artifact) }
        for member in new.members {
            guard artifacts.indices.contains(Int(clamping: member.artifact)) else { continue }
            // A redacted text replaces the member that it was made from.
            there[artifacts[Int(member.artifact)], default: []].formUnion([
                member.path, DerivedName.original(of: member),
            ])
        }
        for (pack, said) in zip(packs, damage) where !said.isCut {
            let old = try PackReader.open(descriptor: pack.file.descriptor)
            let names = try old.artifacts().map(\.artifact)
            // Artifacts of an earlier run under the same id have a suffix.
            let mark = try old.session().created.map { PackMerge.mark(ofRun: $0) } ?? ""
            for member in old.members {
                // The name of a corrupt member may be wrong; a complete download replaces it.
                guard !member.flags.contains(.corrupt), names.indices.contains(Int(clamping: member.artifact)) else {
                    continue
                }
                let name = names[Int(member.artifact)]
                let isThere = [name, name + mark].contains { there[ByteText($0)]?.contains(member.path) == true }
                guard !isThere else { continue }
                throw IngestError(
                    .foreignPack,
                    "the confined process left out \(String(decoding: member.path, as: UTF8.self)), which an "
                        + "earlier pack of session \(session) contains; the new pack was discarded", path: pack.path)
            }
        }
    }
}
