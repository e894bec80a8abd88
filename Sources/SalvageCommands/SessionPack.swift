import Catalog
import Pack
import Terminal

/// A session's pack, opened, with its members chosen by the paths people type.
struct SessionPack {
    let session: SessionRecord
    let reader: PackReader
    let artifacts: [ArtifactEntry]

    /// Opens the pack of the session that `id` names or abbreviates.
    init(_ id: String, catalog: Catalog) throws {
        let full = try catalog.resolve(id)
        guard let session = try catalog.session(full) else {
            throw Failure("session_not_found", "no session has the id '\(id)'", session: id)
        }
        guard let pack = session.pack else {
            if let at = session.pruned {
                throw Failure(
                    "pruned",
                    "the session's pack was pruned \(TimeText.table(at)) UTC"
                        + (session.prunedWhy.map { ": \($0)" } ?? ""),
                    session: full, hint: "salvage pin keeps a session from being pruned", status: .nothingFound)
            }
            throw Failure(
                "no_pack", "nothing was collected of this session\(session.reason.map { ": \($0)" } ?? "")",
                session: full, hint: "salvage why \(full)", status: .nothingFound)
        }
        self.session = session
        do {
            reader = try PackReader.open(path: catalog.store + "/" + pack, tolerant: true)
            artifacts = (try? reader.artifacts()) ?? []
        } catch {
            throw Failure(
                "pack_unreadable", "the pack cannot be read: \(error)", session: full, path: pack,
                hint: "salvage verify names what is damaged")
        }
    }

    /// The configured path of the artifact a member belongs to.
    func artifact(of member: Member) -> String {
        artifacts.indices.contains(Int(member.artifact)) ? artifacts[Int(member.artifact)].artifact : ""
    }

    /// The member a path names: exactly, as `files` prints it, or by a unique ending (`Game.log`).
    func member(_ path: String, artifact: String?) throws -> Int {
        let candidates = reader.members.indices.filter { index in
            artifact.map { $0 == self.artifact(of: reader.members[index]) } ?? true
        }
        let wanted = Array(path.utf8)
        let exact = candidates.filter {
            reader.members[$0].path == wanted || Escape.display(reader.members[$0].path) == path
        }
        if let last = exact.last { return last }
        var ending = candidates.filter { self.ends(reader.members[$0], in: wanted, behind: UInt8(ascii: "/")) }
        // What was made of a member is meant only where no member of an archive can be.
        if ending.isEmpty {
            ending = candidates.filter { self.ends(reader.members[$0], in: wanted, behind: UInt8(ascii: "!")) }
        }
        if ending.count == 1, let only = ending.first { return only }
        if ending.count > 1 {
            let names = ending.prefix(4).map { Escape.display(reader.members[$0].path) }.joined(separator: ", ")
            throw Failure(
                "ambiguous_path", "several members end in '\(path)': \(names)", session: session.session,
                hint: "give more of the path")
        }
        throw Failure(
            "member_not_found", "no member has the path '\(path)'", session: session.session,
            hint: "salvage files \(session.session)", status: .nothingFound)
    }

    private func ends(_ member: Member, in wanted: [UInt8], behind mark: UInt8) -> Bool {
        guard member.kind != .directory, member.path.count > wanted.count else { return false }
        return member.path.suffix(wanted.count).elementsEqual(wanted)
            && member.path[member.path.count - wanted.count - 1] == mark
    }

    /// Whether a member was made of another one that is here too: the content of a compressed file, a text in UTF-8.
    func isDerived(_ member: Member) -> Bool {
        guard !member.flags.isDisjoint(with: [.decompressed, .transcoded]),
            let mark = member.path.lastIndex(of: UInt8(ascii: "!"))
        else { return false }
        return !reader.members(path: Array(member.path[..<mark]), artifact: member.artifact).isEmpty
    }
}
