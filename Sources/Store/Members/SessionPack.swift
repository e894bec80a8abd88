import Calendar
import Catalog
import Glibc
public import Model
public import Pack
import PackHome
import Terminal
import Text

extension Store {
    /// Opens the pack of the session that `id` names or abbreviates.
    ///
    /// - Throws: ``StoreError``, `CatalogError` or `PackError`.
    public func pack(_ id: String) throws -> SessionPack { try SessionPack(try session(named: id), in: self) }
}

/// An open pack of a session, which finds members by the paths that people type.
public struct SessionPack: Sendable {
    /// The session, as the catalog has it.
    public let session: SessionRecord
    /// The open pack.
    public let reader: PackReader
    /// The artifacts that members belong to; from the catalog if the pack's own list is damaged.
    public let artifacts: [ArtifactEntry]
    /// Why the pack's own list of artifacts cannot be read; nil if it can.
    public let artifactsDamage: PackError?

    /// Opens the pack of a session.
    ///
    /// - Throws: ``StoreError`` if the session has no pack or the pack cannot be read.
    init(_ session: SessionRecord, in store: Store) throws {
        let full = session.session
        guard let named = session.pack else {
            if let pruned = StoreError.pruned(session) { throw pruned }
            throw StoreError(
                .noPack, "nothing was collected from this session\(session.reason.map { ": \($0)" } ?? "")",
                session: full, hint: "salvage why \(full)", kind: .notFound)
        }
        var (session, pack) = (session, named)
        do throws(PackError) {
            var opened: PackReader?
            do throws(PackError) {
                opened = try store.home.reader(for: pack, tolerant: true)
            } catch {
                // Another machine may have committed a new generation since the row was read.
                guard error.isAbsence, store.isShared, let newer = try? store.catalog().session(full),
                    let path = newer.pack, !path.hasSameBytes(as: named)
                else { throw error }
                (session, pack) = (newer, path)
            }
            if let opened { reader = opened } else { reader = try store.home.reader(for: pack, tolerant: true) }
        } catch {
            throw StoreError(
                .packUnreadable, "the pack cannot be read: \(error)", session: full, path: pack,
                hint: error.isLocalFault && error.cause != nil
                    ? error.hint ?? "try again" : "salvage verify names what is damaged")
        }
        self.session = session
        // Without its tables a pack would look empty.
        if let damage = reader.footerDamage.first {
            throw StoreError(
                .damaged, "the pack's table of members is damaged, so its content is not known: \(damage.message)",
                session: full, path: pack, hint: "salvage verify names what is damaged; restore the pack from a backup",
                kind: .partial)
        }
        // The members can still be read, but a choice by artifact must not guess.
        do throws(PackError) {
            artifacts = try reader.artifacts()
            artifactsDamage = nil
        } catch {
            guard !error.isLocalFault else {
                throw StoreError(
                    .packUnreadable, "the pack cannot be read now: \(error)", session: full, path: pack,
                    hint: "check the disk and try again")
            }
            // The catalog has a copy from when the pack was made. Without that, the damage is reported.
            artifacts = (try? Self.artifacts(of: reader, session: full, in: try store.catalog())) ?? []
            artifactsDamage = error
        }
    }

    /// The artifacts of a pack's members from the catalog; empty if its rows are of another generation.
    private static func artifacts(
        of reader: PackReader, session: String, in catalog: Catalog
    ) throws -> [ArtifactEntry] {
        guard catalog.storesMembers else { return [] }
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
    public var knowsArtifacts: Bool { artifactsDamage == nil || !artifacts.isEmpty || reader.members.isEmpty }

    /// The error to report if the artifacts are needed and cannot be read.
    public func artifactsUnreadable(_ damage: PackError, hint: String) -> StoreError {
        StoreError(
            .damaged,
            "the pack's list of artifacts is damaged (\(damage)); "
                + (knowsArtifacts
                    ? "the catalog's is used instead"
                    : "which member belongs to which artifact is not known"),
            session: session.session, path: session.pack, hint: hint, kind: .partial)
    }

    /// The configured path of the artifact that a member belongs to; empty if it is not known.
    public func artifact(of member: Member) -> String {
        artifacts.indices.contains(Int(member.artifact)) ? artifacts[Int(member.artifact)].artifact : ""
    }

    /// Returns the member that a path names: its bytes, the form that `files` prints, or a unique ending (`Game.log`).
    ///
    /// - Throws: ``StoreError`` if there is none, or if the path names different members.
    public func member(_ path: MemberPath, artifact: String? = nil) throws -> MemberMatch {
        if artifact != nil, let damage = artifactsDamage, !knowsArtifacts {
            throw artifactsUnreadable(damage, hint: "leave --artifact out")
        }
        let candidates = reader.members.indices.filter { index in
            artifact.map { $0.hasSameBytes(as: self.artifact(of: reader.members[index])) } ?? true
        }
        let forms = [path.typed] + (path.printed.map { [$0] } ?? [])
        for wanted in forms {
            guard let last = try only(candidates.filter { reader.members[$0].path == wanted }, path) else { continue }
            let other = path.printed.map { printed in
                wanted != printed && candidates.contains { reader.members[$0].path == printed }
            }
            return MemberMatch(index: last, anotherDisplaysAlike: other ?? false)
        }
        // The form that earlier versions printed, which two paths may share.
        let alike = candidates.filter { Escape.display(reader.members[$0].path).hasSameBytes(as: path.text) }
        if let last = try only(alike, path) { return MemberMatch(index: last) }
        // A derived member, named after a `!`, is meant only if no member of an archive fits.
        var named = alike
        for mark in [UInt8(ascii: "/"), UInt8(ascii: "!")] {
            for wanted in forms where named.isEmpty {
                named = candidates.filter { self.ends(reader.members[$0], in: wanted, behind: mark) }
            }
        }
        if let last = try only(named, path) { return MemberMatch(index: last) }
        if !named.isEmpty {
            let names = Set(named.map { Escape.path(reader.members[$0].path) }).sorted().prefix(4)
                .joined(separator: ", ")
            throw StoreError(
                .ambiguousPath, "'\(path.text)' matches several members: \(names)", session: session.session,
                hint: "give one of these paths as it is printed here")
        }
        throw StoreError(
            .memberNotFound,
            "no member has the path '\(path.text)'" + (session.pruned == nil ? "" : "; an earlier pack was pruned"),
            session: session.session, hint: "salvage files \(session.session)", kind: .notFound)
    }

    /// Returns the one member that these indices mean; nil if their paths differ or there are none.
    ///
    /// In an archive the last member of a path is what an extraction would leave. Members of different artifacts are
    /// different files unless they have the same content.
    ///
    /// - Throws: ``StoreError`` if the path is in several artifacts with different content.
    private func only(_ indices: [Int], _ path: MemberPath) throws -> Int? {
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
        throw StoreError(
            .ambiguousPath, "'\(path.text)' is a member of several artifacts: \(names.joined(separator: ", "))",
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
    public func isDerived(_ member: Member) -> Bool {
        guard !member.flags.isDisjoint(with: [.decompressed, .transcoded]),
            let mark = member.path.lastIndex(of: UInt8(ascii: "!"))
        else { return false }
        return !reader.members(path: Array(member.path[..<mark]), artifact: member.artifact).isEmpty
    }
}

extension StoreError {
    /// The error for a session whose pack was pruned; nil if none was, or if everything is stored again.
    public static func pruned(_ session: SessionRecord) -> StoreError? {
        guard let at = session.pruned else { return nil }
        let why = session.prunedWhy.map { ": \($0)" } ?? ""
        let pack = session.pack == nil ? "the session's pack" : "an earlier pack of the session"
        return StoreError(
            .pruned, "\(pack) was pruned \(TimeText.zoned(at, .utc))\(why)", session: session.session,
            hint: "salvage pin keeps a session from being pruned", kind: .notFound)
    }
}
