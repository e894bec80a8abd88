import Bytes
import Files
import JSON
import Model
import Pack
import Text

/// The content of a bundle, which a confined process has unpacked into a pack of its own. All of it is untrusted.
struct BundleContents {
    /// One session as the bundle describes it.
    struct Session {
        /// Its id.
        let id: String
        /// What is known about it.
        let metadata: IngestMetadata
        /// Its files by artifact, in the order of the archive.
        var artifacts: [(name: String, files: [BundleArchive.File], isWhole: Bool)] = []
        /// The files that the description names and the bundle does not have, or has only in part.
        var missing: [String] = []
    }

    /// The sessions that the bundle lists: the id, and the name of the folder.
    let listed: [(id: String, folder: String)]
    /// The members below `symbols/`: the path below it, and the member with the content.
    let symbols: [(components: [[UInt8]], member: Int)]
    private let reader: PackReader
    private let bundle: String
    /// The members of each session's folder by its name: the components below it, and the member.
    private var folders: ByteDictionary<[(components: [[UInt8]], member: Int)]> = [:]

    private static let longestText = 4096
    private static let longestLabel = 64 << 10
    private static let mostLabels = 1000

    /// Sorts a bundle's members.
    ///
    /// - Throws: ``StoreError`` with `badBundle` if it is none, `PackError`.
    init(_ pack: SessionPack, bundle: String) throws {
        reader = pack.reader
        self.bundle = bundle
        var index: Int?
        var symbols: [(components: [[UInt8]], member: Int)] = []
        for number in reader.members.indices {
            let member = reader.members[number]
            guard member.flags.isDisjoint(with: [.shadowed, .unsafePath]), !pack.isDerived(member) else { continue }
            // The archive has one folder, whose name does not matter.
            let parts = member.path.split(separator: UInt8(ascii: "/")).map { Array($0) }
                .filter { !$0.elementsEqual(".".utf8) }.dropFirst()
            guard let first = parts.first, !parts.contains(where: { $0.elementsEqual("..".utf8) }) else { continue }
            if parts.count == 1 {
                if first.elementsEqual(BundleFormat.index.utf8) { index = number }
            } else if first.elementsEqual(BundleFormat.symbols.utf8) {
                symbols.append((Array(parts.dropFirst()), number))
            } else if first.elementsEqual(BundleFormat.sessions.utf8), parts.count > 2,
                let folder = String(validating: parts[parts.startIndex + 1], as: UTF8.self)
            {
                folders[folder, default: []].append((Array(parts.dropFirst(2)), number))
            }
        }
        self.symbols = symbols
        guard let index else {
            throw Self.refusal(
                bundle, "it has no \(BundleFormat.index)",
                "to ingest other archives, folders or files, name their session: salvage ingest --session ID FILE")
        }
        listed = try Self.list(try Self.content(of: index, reader, bundle), bundle)
    }

    /// Reads the description of a listed session and finds its files.
    ///
    /// - Throws: ``StoreError`` with `badMetadata` or `bundleIncomplete`, `PackError`.
    func session(_ id: String, in folder: String) throws -> Session {
        let members = folders[folder] ?? []
        func named(_ name: String) -> Int? {
            members.first { $0.components.count == 1 && $0.components[0].elementsEqual(name.utf8) }?.member
        }
        let place = "\(BundleFormat.sessions)/\(folder)/\(BundleFormat.session)"
        guard let description = named(BundleFormat.session) else {
            throw StoreError(
                .bundleIncomplete, "the bundle lists the session, but does not describe it", session: id, path: place,
                hint: "get the bundle again: it may be truncated", kind: .partial)
        }
        let text = String(decoding: try Self.content(of: description, reader, bundle), as: UTF8.self)
        let value = try IngestMetadata.parse(text, path: place)
        let (given, metadata) = try IngestMetadata.read(value, path: place)
        guard let given, given.hasSameBytes(as: id) else {
            throw StoreError(
                .badMetadata, "\(BundleFormat.session) describes another session than the bundle lists", session: id,
                path: place)
        }
        try Self.check(metadata, of: id, place)
        var session = Session(id: id, metadata: metadata)
        fill(&session, BundleRows(value), members)
        return session
    }

    /// Adds the files in the order of the bundle, each to the artifact that the description names.
    private func fill(
        _ session: inout Session, _ rows: BundleRows, _ members: [(components: [[UInt8]], member: Int)]
    ) {
        var artifacts: [(name: String, files: [BundleArchive.File], isWhole: Bool)] = []
        var places: ByteDictionary<Int> = [:]
        func place(_ artifact: String) -> Int {
            if let known = places[artifact] { return known }
            artifacts.append((artifact, [], true))
            places[artifact] = artifacts.count - 1
            return artifacts.count - 1
        }
        var seen: ByteSet = []
        for (components, number) in members {
            guard components.count > 1, components[0].elementsEqual(BundleFormat.stored.utf8) else { continue }
            let file = Array(components.dropFirst().joined(separator: [UInt8(ascii: "/")]))
            let name = String(decoding: file, as: UTF8.self)
            let row = rows[name]
            guard let content = content(of: number) else {
                // Folders that only lead to a file are not listed.
                guard let row, reader.members[number].kind == .directory else { continue }
                artifacts[place(row.artifact)].files.append(BundleArchive.File(kind: .folder, path: row.path))
                seen.insert(name)
                continue
            }
            let at = place(row?.artifact ?? "")
            artifacts[at].files.append(BundleArchive.File(kind: .content(content), path: row?.path ?? file))
            let member = reader.members[content]
            let isCut = !member.flags.isDisjoint(with: [.truncated, .corrupt, .limited, .zeroPadded])
            // A file that came in part counts as missing.
            if isCut || row?.size.map({ $0 != member.size }) ?? false {
                artifacts[at].isWhole = false
            } else {
                seen.insert(name)
            }
        }
        for row in rows.files where !seen.contains(row.file) {
            artifacts[place(row.artifact)].isWhole = false
            session.missing.append(row.file)
        }
        for link in rows.links {
            artifacts[place(link.artifact)].files.append(BundleArchive.File(kind: .link(link.target), path: link.path))
        }
        session.artifacts = artifacts
    }

    /// The member with the content of a file; nil for anything else.
    func content(of index: Int) -> Int? {
        let member = reader.members[index]
        switch member.kind {
        case .log, .crashDump, .text, .binary: return index
        case .hardlink:
            if member.size > 0 { return index }
            guard case .member(let content) = reader.linkedContent(of: index) else { return nil }
            return content
        case .directory, .symlink, .device, .fifo: return nil
        }
    }

    private static func list(_ bytes: [UInt8], _ bundle: String) throws(StoreError) -> [(id: String, folder: String)] {
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch {
            throw refusal(bundle, "its \(BundleFormat.index) is not JSON: \(error.reason) at byte \(error.offset)", nil)
        }
        guard value["format"]?.string?.hasSameBytes(as: BundleFormat.name) == true,
            let version = value["version"]?.int64, version > 0, let rows = value["sessions"]?.array
        else { throw refusal(bundle, "its \(BundleFormat.index) does not list sessions", nil) }
        guard version <= BundleFormat.version else {
            throw refusal(bundle, "a later version of salvage made it (format \(version))", "update salvage")
        }
        guard rows.count <= BundleFormat.mostSessions else {
            throw refusal(bundle, "it lists \(rows.count) sessions; at most \(BundleFormat.mostSessions) are read", nil)
        }
        var listed: [(id: String, folder: String)] = []
        var seen: ByteSet = []
        for row in rows {
            guard let id = row["session"]?.string, let folder = row["folder"]?.string, !id.isEmpty,
                id.utf8.count <= longestText, !id.utf8.contains(0)
            else { throw refusal(bundle, "its \(BundleFormat.index) has a session without id or folder", nil) }
            if seen.insert(id).inserted { listed.append((id, folder)) }
        }
        return listed
    }

    /// Refuses what no API and no user gives.
    private static func check(_ metadata: IngestMetadata, of id: String, _ place: String) throws(StoreError) {
        let texts = [metadata.image, metadata.tag, metadata.location, metadata.host].compactMap { $0 }
        let fits =
            texts.allSatisfy { $0.utf8.count <= longestText && !$0.utf8.contains(0) }
            && metadata.labels.count <= mostLabels
            && metadata.labels.sortedByKey.allSatisfy { key, value in
                key.utf8.count <= longestText && value.utf8.count <= longestLabel && !key.utf8.contains(0)
                    && !value.utf8.contains(0)
            }
        guard fits else {
            throw StoreError(
                .badMetadata, "\(BundleFormat.session) has texts that are too long, too many labels or a NUL byte",
                session: id, path: place)
        }
    }

    private static func content(of index: Int, _ reader: PackReader, _ bundle: String) throws -> [UInt8] {
        let size = reader.members[index].size
        guard size <= UInt64(BundleFormat.mostBytes) else {
            throw StoreError(
                .tooLarge, "a description in the bundle is larger than 16 MiB", path: bundle, kind: .failed)
        }
        var bytes: [UInt8] = []
        try reader.stream(member: index, using: try BlockDecoder()) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// The error for a file that is not a bundle.
    static func refusal(_ bundle: String, _ why: String, _ hint: String?) -> StoreError {
        StoreError(.badBundle, "this is not a bundle that can be ingested: \(why)", path: bundle, hint: hint)
    }
}
