import Catalog
import Glibc
import Model
import Pack
import Terminal
import Text

/// What an export wrote.
public struct ExportReport: Sendable {
    /// The folder, or the bundle.
    public let target: String
    /// The session and its artifacts.
    public let pack: SessionPack
    /// The number of files written.
    public let files: Int
    /// Their logical size, in bytes.
    public let bytes: UInt64
    /// The number of links and devices that are in the metadata only.
    public let leftOut: Int
    /// The paths of damaged members, escaped; their intact parts were written.
    public let damaged: [String]
}

extension Store {
    /// Writes members of a session as files below a new folder.
    ///
    /// - Parameters:
    ///   - id: the session's id or a unique prefix.
    ///   - folder: the folder to create.
    ///   - globs: the members to write; all if empty.
    ///   - expanded: whether to write decompressed and converted texts too.
    ///   - bundle: whether to pack the folder into `FOLDER.tar.gz` and remove it.
    ///   - progress: called before each member.
    /// - Throws: ``StoreError``, `CatalogError` or `PackError`.
    public func export(
        _ id: String, to folder: String, matching globs: [MemberGlob] = [], expanded: Bool = false,
        bundle: Bool = false, progress: (StoreProgress) -> Void
    ) throws -> ExportReport {
        if bundle { try Bundle.check(folder) }
        let pack = try pack(id)
        let chosen = pack.reader.members.indices.filter { index in
            let member = pack.reader.members[index]
            guard expanded || !pack.isDerived(member) else { return false }
            return globs.isEmpty || globs.contains { $0.matches(member.path) }
        }
        guard !chosen.isEmpty else {
            throw StoreError(
                .nothingMatches, "no member matches", session: pack.session.session,
                hint: "salvage files \(pack.session.session)", kind: .notFound)
        }
        let tree = try ExportTree(creating: folder)
        let writer = try MemberExport(pack: pack, tree: tree)
        for (count, index) in chosen.enumerated() {
            progress(.exporting(member: count + 1, of: chosen.count))
            try writer.export(index)
        }
        try tree.write(ExportMetadata.bytes(pack), to: [IngestMetadata.fileName])
        return ExportReport(
            target: bundle ? try Bundle.make(folder: folder) : folder, pack: pack, files: writer.files,
            bytes: writer.bytes, leftOut: writer.leftOut, damaged: writer.damaged)
    }

    /// Writes the content of one member as the only file of a new folder, with its holes, and returns the file's path.
    ///
    /// - Throws: ``StoreError`` or `PackError`.
    public func export(member index: Int, of pack: SessionPack, as name: String, in folder: String) throws -> String {
        let tree = try ExportTree(creating: folder)
        let file = try tree.createFile([name])
        defer { close(file.descriptor) }
        try pack.reader.streamExtents(member: index, using: try BlockDecoder()) { extent in
            if case .bytes(let piece, let offset) = extent { try tree.put(piece, into: file, at: offset) }
        }
        _ = ftruncate(file.descriptor, off_t(clamping: pack.reader.members[index].size))
        return folder + "/" + file.path
    }
}

/// Writes members of one pack into an export tree.
final class MemberExport {
    let pack: SessionPack
    private let tree: ExportTree
    private let decoder: BlockDecoder
    private(set) var files = 0
    private(set) var bytes: UInt64 = 0
    private(set) var leftOut = 0
    private(set) var damaged: [String] = []
    /// Members whose content hard links share, and the path it was first written to.
    private var shared: [Int: String?] = [:]

    init(pack: SessionPack, tree: ExportTree) throws {
        self.pack = pack
        self.tree = tree
        decoder = try BlockDecoder()
        for index in pack.reader.members.indices where pack.reader.members[index].kind == .hardlink {
            if case .member(let content) = pack.reader.linkedContent(of: index) { shared[content] = .some(nil) }
        }
    }

    func export(_ index: Int) throws {
        let member = pack.reader.members[index]
        let components = ExportName.components(of: member.path)
        switch member.kind {
        case .directory: try tree.makeFolder(components)
        case .symlink, .device, .fifo: leftOut += 1
        case .hardlink where member.size == 0:
            guard case .member(let content) = pack.reader.linkedContent(of: index) else {
                leftOut += 1
                return
            }
            try writeShared(content, components)
        case .log, .crashDump, .text, .binary, .hardlink: try writeShared(index, components)
        }
    }

    /// Writes a member's content once; a second name of it becomes a hard link again.
    private func writeShared(_ index: Int, _ components: [String]) throws {
        if case .some(.some(let first)) = shared[index], try tree.link(first, to: components) {
            files += 1
            return
        }
        let path = try writeFile(index, pack.reader.members[index], components)
        if shared[index] != nil { shared[index] = path }
    }

    private func writeFile(_ index: Int, _ member: Member, _ components: [String]) throws -> String {
        let file = try tree.createFile(components)
        defer { close(file.descriptor) }
        files += 1
        bytes += member.size
        do {
            try pack.reader.streamExtents(member: index, using: decoder) { extent in
                if case .bytes(let piece, let offset) = extent { try tree.put(piece, into: file, at: offset) }
            }
        } catch is PackError {
            damaged.append(Escape.path(member.path))
        }
        // A trailing hole has no bytes to write; setting the length creates it.
        if member.size <= UInt64(Int.max), ftruncate(file.descriptor, off_t(member.size)) != 0 {
            throw StoreError(
                .exportFailed, "cannot set a file's length: \(String(cString: strerror(errno)))", path: file.path)
        }
        var times = [timespec(), timespec()]
        times[0].tv_nsec = Self.keepTime
        // A time before 1970 counts its fraction forward from the second before it.
        let fraction = Int((member.mtime % 1_000_000_000 + 1_000_000_000) % 1_000_000_000)
        times[1].tv_nsec = fraction
        times[1].tv_sec = Int(member.mtime / 1_000_000_000) - (member.mtime < 0 && fraction > 0 ? 1 : 0)
        _ = futimens(file.descriptor, times)
        return file.path
    }

    /// utimensat(2): leave this time as it is.
    private static let keepTime = (1 << 30) - 2
}

extension ExportTree {
    /// Writes a piece at its offset; pages of zeros are skipped, so that they become holes.
    func put(_ piece: UnsafeRawBufferPointer, into file: (descriptor: Int32, path: String), at offset: UInt64) throws {
        try SparseRuns.forEachStored(piece, at: offset) { part, position in
            var done = 0
            while done < part.count {
                let place = off_t(clamping: position) + done
                let wrote = pwrite(file.descriptor, part.baseAddress.map { $0 + done }, part.count - done, place)
                if wrote > 0 {
                    done += wrote
                } else if errno != EINTR {
                    throw StoreError(
                        .exportFailed, "cannot write a file: \(String(cString: strerror(errno)))", path: file.path,
                        hint: errno == ENOSPC ? "free space, or export fewer members with --path" : nil)
                }
            }
        }
    }

    /// Writes a small file of our own.
    func write(_ content: [UInt8], to components: [String]) throws {
        let file = try createFile(components)
        defer { close(file.descriptor) }
        try content.withUnsafeBytes { try put($0, into: file, at: 0) }
    }
}
