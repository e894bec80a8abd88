import Pack
import Text

/// Looks whether a new pack has a member for each one of the session's earlier packs. The child that wrote it reads hostile
/// bytes: one that was taken over must not make an earlier generation go.
enum EarlierMembers {
    /// - Parameters:
    ///   - packs: the earlier packs that could be opened.
    ///   - damage: what the child said of each. One that is not all in the new pack is set aside as it is, so it needs no
    ///     comparison.
    /// - Throws: ``IngestError`` with `foreignPack` when a member is missing, `PackError` when an earlier pack cannot be read.
    static func require(
        in new: PackReader, of packs: [EarlierPacks.Found], _ damage: [EarlierDamage], session: String
    ) throws {
        var there: [ByteText: Set<[UInt8]>] = [:]
        let artifacts = try new.artifacts().map { ByteText($0.artifact) }
        for member in new.members {
            guard artifacts.indices.contains(Int(clamping: member.artifact)) else { continue }
            // What was redacted stands for the member that it was made of.
            there[artifacts[Int(member.artifact)], default: []].formUnion([
                member.path, DerivedName.original(of: member),
            ])
        }
        for (pack, said) in zip(packs, damage) where !said.isCut {
            let old = try PackReader.open(descriptor: pack.descriptor)
            let names = try old.artifacts().map(\.artifact)
            // An earlier run under the same id has its artifacts beside those of this one.
            let mark = try old.session().created.map { Generation.mark(ofRun: $0) } ?? ""
            for member in old.members {
                // One whose very name may be wrong gives way to a download that is whole.
                guard !member.flags.contains(.corrupt), names.indices.contains(Int(clamping: member.artifact)) else {
                    continue
                }
                let name = names[Int(member.artifact)]
                let isThere = [name, name + mark].contains { there[ByteText($0)]?.contains(member.path) == true }
                guard !isThere else { continue }
                throw IngestError(
                    .foreignPack,
                    "the child left out \(String(decoding: member.path, as: UTF8.self)), which an earlier pack of session "
                        + "\(session) holds; the new pack was not kept", path: pack.path)
            }
        }
    }
}
