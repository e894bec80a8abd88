import Catalog
import Glibc
import Model
import Pack
import Terminal
import Text

/// An open pack of a session, which finds members by the paths that people type.
struct SessionPack {
    let session: SessionRecord
    let reader: PackReader
    let artifacts: [ArtifactEntry]
    /// Why the pack's own list of artifacts cannot be read; nil if it can.
    let artifactsDamage: PackError?

    /// Opens the pack of the session that `id` names or abbreviates.
    init(_ id: String, catalog: Catalog) throws {
        let full = try catalog.resolve(id)
        guard let session = try catalog.session(full) else {
            throw Failure("session_not_found", "no session has the id '\(id)'", session: id)
        }
        guard let pack = session.pack else {
            if let failure = Failure.pruned(session) { throw failure }
            throw Failure(
                "no_pack", "nothing was collected from this session\(session.reason.map { ": \($0)" } ?? "")",
                session: full, hint: "salvage why \(full)", status: .nothingFound)
        }
        self.session = session
        do {
            reader = try PackReader.open(path: catalog.store + "/" + pack, tolerant: true)
        } catch {
            throw Failure(
                "pack_unreadable", "the pack cannot be read: \(error)", session: full, path: pack,
                hint: "salvage verify names what is damaged")
        }
        // Without its tables a pack would look empty.
        if let damage = reader.footerDamage.first {
            throw Failure(
                "damaged", "the pack's table of members is damaged, so its content is not known: \(damage.message)",
                session: full, path: pack, hint: "salvage verify names what is damaged; restore the pack from a backup",
                status: .partial)
        }
        // The members can still be read, but a choice by artifact must not guess.
        do throws(PackError) {
            artifacts = try reader.artifacts()
            artifactsDamage = nil
        } catch {
            guard !error.isLocalFault else {
                throw Failure(
                    "pack_unreadable", "the pack cannot be read now: \(error)", session: full, path: pack,
                    hint: "check the disk and try again")
            }
            // The catalog has a copy from when the pack was made. Without that, the damage is reported.
            artifacts = (try? Self.artifacts(of: reader, session: full, in: catalog)) ?? []
            artifactsDamage = error
        }
    }

    /// The artifacts of a pack's members from the catalog; empty if its rows are of another generation.
    private static func artifacts(
        of reader: PackReader, session: String, in catalog: Catalog
    ) throws -> [ArtifactEntry] {
        let records = try catalog.members(session)
        guard records.map(\.path) == reader.members.map(\.path) else { return [] }
        let count = (reader.members.map { Int(clamping: $0.artifact) }.max() ?? -1) + 1
        guard count <= reader.members.count else { return [] }
        var ledger: ByteDictionary<ArtifactEntry> = [:]
        for row in try catalog.artifacts(session) { ledger[row.entry.artifact] = row.entry }
        var entries = [ArtifactEntry](repeating: ArtifactEntry(artifact: ""), count: count)
        for (record, member) in zip(records, reader.members) {
            entries[Int(member.artifact)] = ledger[record.artifact] ?? ArtifactEntry(artifact: record.artifact)
        }
        return entries
    }

    /// Whether it is known which artifact each member belongs to.
    var knowsArtifacts: Bool { artifactsDamage == nil || !artifacts.isEmpty || reader.members.isEmpty }

    /// The failure to report if the artifacts are needed and cannot be read.
    func artifactsUnreadable(_ damage: PackError, hint: String) -> Failure {
        Failure(
            "damaged",
            "the pack's list of artifacts is damaged (\(damage)); "
                + (knowsArtifacts
                    ? "the catalog's is used instead"
                    : "which member belongs to which artifact is not known"),
            session: session.session, path: session.pack, hint: hint, status: .partial)
    }

    /// The configured path of the artifact that a member belongs to; empty if it is not known.
    func artifact(of member: Member) -> String {
        artifacts.indices.contains(Int(member.artifact)) ? artifacts[Int(member.artifact)].artifact : ""
    }

    /// Returns the index of the member that a path names: its bytes, the form that `files` prints, or a unique ending
    /// (`Game.log`).
    ///
    /// - Throws: `Failure` if there is none, or if the path names different members.
    func member(_ path: String, artifact: String?) throws -> Int {
        if artifact != nil, let damage = artifactsDamage, !knowsArtifacts {
            throw artifactsUnreadable(damage, hint: "leave --artifact out")
        }
        let candidates = reader.members.indices.filter { index in
            artifact.map { $0.hasSameBytes(as: self.artifact(of: reader.members[index])) } ?? true
        }
        let argument = PathArgument(path)
        let forms = [argument.typed] + (argument.printed.map { [$0] } ?? [])
        for wanted in forms {
            guard let last = try only(candidates.filter { reader.members[$0].path == wanted }, path) else { continue }
            if let printed = argument.printed, wanted != printed,
                candidates.contains(where: { reader.members[$0].path == printed })
            {
                let sink = BufferedOutput(descriptor: STDERR_FILENO)
                sink.write(
                    "salvage: note: another member's path also displays as \(Escape.display(path)); to select that one, "
                        + "pass its raw bytes\n")
                sink.flush()
            }
            return last
        }
        // The form that earlier versions printed, which two paths may share.
        let alike = candidates.filter { Escape.display(reader.members[$0].path).hasSameBytes(as: path) }
        if let last = try only(alike, path) { return last }
        // A derived member, named after a `!`, is meant only if no member of an archive fits.
        var named = alike
        for mark in [UInt8(ascii: "/"), UInt8(ascii: "!")] {
            for wanted in forms where named.isEmpty {
                named = candidates.filter { self.ends(reader.members[$0], in: wanted, behind: mark) }
            }
        }
        if let last = try only(named, path) { return last }
        if !named.isEmpty {
            let names = Set(named.map { Escape.path(reader.members[$0].path) }).sorted().prefix(4)
                .joined(separator: ", ")
            throw Failure(
                "ambiguous_path", "'\(path)' matches several members: \(names)", session: session.session,
                hint: "give one of these paths as it is printed here")
        }
        throw Failure(
            "member_not_found",
            "no member has the path '\(path)'" + (session.pruned == nil ? "" : "; an earlier pack was pruned"),
            session: session.session, hint: "salvage files \(session.session)", status: .nothingFound)
    }

    /// Returns the one member that these indices mean; nil if their paths differ or there are none.
    ///
    /// In an archive the last member of a path is what an extraction would leave. Members of different artifacts are
    /// different files unless they have the same content.
    ///
    /// - Throws: `Failure` if the path is in several artifacts with different content.
    private func only(_ indices: [Int], _ path: String) throws -> Int? {
        guard let last = indices.last else { return nil }
        let members = reader.members
        guard indices.allSatisfy({ members[$0].path == members[last].path }) else { return nil }
        var newest: [UInt32: Int] = [:]
        for index in indices { newest[members[index].artifact] = index }
        func isSame(_ index: Int, _ other: Int) -> Bool {
            let (left, right) = (members[index], members[other])
            // Two links with the same name are the same file only if they lead to the same bytes.
            let (content, otherContent) = (try? self.content(of: index), try? self.content(of: other))
            guard content.map({ members[$0].sha256 }) == otherContent.map({ members[$0].sha256 }) else { return false }
            return left.sha256 == right.sha256 && left.size == right.size && left.kind == right.kind
                && left.linkTarget == right.linkTarget && left.flags == right.flags
        }
        guard !newest.values.allSatisfy({ isSame($0, last) }) else { return last }
        let names = newest.keys.sorted().prefix(4).map { artifact in
            artifacts.indices.contains(Int(artifact)) ? artifacts[Int(artifact)].artifact : "number \(artifact)"
        }
        throw Failure(
            "ambiguous_path", "'\(path)' is a member of several artifacts: \(names.joined(separator: ", "))",
            session: session.session,
            hint: artifactsDamage == nil || knowsArtifacts
                ? "choose one with --artifact, such as --artifact \(names[0])"
                : "the pack's list of artifacts is damaged; salvage export writes all of them")
    }

    private func ends(_ member: Member, in wanted: [UInt8], behind mark: UInt8) -> Bool {
        guard member.kind != .directory, member.path.count > wanted.count else { return false }
        return member.path.suffix(wanted.count).elementsEqual(wanted)
            && member.path[member.path.count - wanted.count - 1] == mark
    }

    /// Whether a member was made from another one in this pack: a decompressed file, or a text converted to UTF-8.
    func isDerived(_ member: Member) -> Bool {
        guard !member.flags.isDisjoint(with: [.decompressed, .transcoded]),
            let mark = member.path.lastIndex(of: UInt8(ascii: "!"))
        else { return false }
        return !reader.members(path: Array(member.path[..<mark]), artifact: member.artifact).isEmpty
    }
}

extension Failure {
    /// The failure for a session whose pack was pruned; nil if none was, or if everything is stored again.
    static func pruned(_ session: SessionRecord) -> Failure? {
        guard let at = session.pruned else { return nil }
        let why = session.prunedWhy.map { ": \($0)" } ?? ""
        let pack = session.pack == nil ? "the session's pack" : "an earlier pack of the session"
        return Failure(
            "pruned", "\(pack) was pruned \(TimeText.table(at)) UTC\(why)", session: session.session,
            hint: "salvage pin keeps a session from being pruned", status: .nothingFound)
    }
}
