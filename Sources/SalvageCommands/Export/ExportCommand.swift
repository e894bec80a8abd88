import Bytes
import Catalog
import Glibc
import JSON
import Model
import Pack
import Terminal
import Text

/// `salvage export`: writes members as files.
struct Export: Command {
    static var name: String { "export" }
    static var abstract: String { "Write the members of a session as files." }
    static var discussion: String {
        """
        This is the only command that creates files under names from an archive. Files are created only below the \
        new folder; bytes of a name that could mislead a terminal or another system become %XX; symbolic links, \
        devices and owners are not recreated. Sparse files stay sparse, and hard links stay hard links.
        """
    }
    static var arguments: [CommandArgument<Self>] { [.session { $0.session = $1 }] }
    static var flags: [CommandFlag<Self>] {
        [
            .text("to", value: "dir", "The folder to create.", completion: .folder, isRequired: true) { $0.to = $1 },
            .texts("path", value: "glob", "Only members whose path matches this glob. May be repeated.") {
                $0.path.append($1)
            },
            .toggle("expanded", nil, "Also write compressed and UTF-16 logs as UTF-8 text, beside the originals.") {
                $0.expanded = true
            },
            .toggle(
                "bundle", nil,
                "Pack everything, with salvage-metadata.json, into DIR.tar.gz for a ticket, and remove the folder."
            ) { $0.bundle = true },
        ]
    }

    var session = ""
    var to = ""
    var path: [String] = []
    var expanded = false
    var bundle = false
    var options = GlobalOptions()

    func run() throws {
        let pack = try SessionPack(session, catalog: try StoreAccess.catalogForReading(options))
        let globs = path.map { MemberGlob($0) }
        let chosen = pack.reader.members.indices.filter { index in
            let member = pack.reader.members[index]
            guard expanded || !pack.isDerived(member) else { return false }
            return globs.isEmpty || globs.contains { $0.matches(member.path) }
        }
        guard !chosen.isEmpty else {
            throw Failure(
                "nothing_matches", "no member matches", session: pack.session.session,
                hint: "salvage files \(pack.session.session)", status: .nothingFound)
        }
        let tree = try ExportTree(creating: to)
        let writer = try MemberExport(pack: pack, tree: tree)
        let progress = Progress(quiet: options.quiet)
        for (count, index) in chosen.enumerated() {
            progress.update("exporting \(count + 1) of \(counted(chosen.count, "member"))")
            try writer.export(index)
        }
        progress.finish()
        try tree.write(MetadataFile.bytes(pack), to: ["salvage-metadata.json"])
        var target = to
        if bundle { target = try Bundle.make(folder: to) }
        try report(writer, target: target)
    }

    private func report(_ writer: MemberExport, target: String) throws {
        let output = Output(options)
        if options.json {
            var line = JSONLine()
            line.add("session", writer.pack.session.session)
            line.add("to", target)
            line.add("files", writer.files)
            line.add("bytes", writer.bytes)
            line.add("left_out", writer.leftOut)
            line.add("damaged", writer.damaged)
            line.add("artifacts_damage", writer.pack.artifactsDamage?.description)
            output.line(line)
        } else if !options.quiet {
            output.text("\(counted(writer.files, "file")), \(SizeText.binary(writer.bytes)) in \(target)")
            if writer.leftOut > 0 {
                let others = counted(writer.leftOut, "link or device is", "links and devices are")
                output.text("\(others) listed in salvage-metadata.json only")
            }
        }
        try output.finish()
        for path in writer.damaged {
            Failure(
                "damaged", "a member is damaged; its intact parts were written", session: writer.pack.session.session,
                path: path
            ).report(json: options.json, style: options.errorStyle)
        }
        if let damage = writer.pack.artifactsDamage {
            writer.pack.artifactsUnreadable(damage, hint: "salvage verify names what is damaged").report(
                json: options.json, style: options.errorStyle)
        }
        if !writer.damaged.isEmpty || writer.pack.artifactsDamage != nil { throw EndedWith(status: .partial) }
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
            throw Failure(
                "export_failed", "cannot set a file's length: \(String(cString: strerror(errno)))", path: file.path)
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
                    throw Failure(
                        "export_failed", "cannot write a file: \(String(cString: strerror(errno)))", path: file.path,
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

/// The metadata file of an export: its session, artifacts and members.
enum MetadataFile {
    static func bytes(_ pack: SessionPack) -> [UInt8] {
        let session = pack.session
        var line = JSONLine()
        line.add("session", session.session)
        line.add("image", session.image)
        line.add("tag", session.tag)
        line.add("location", session.location)
        line.add("labels", session.labels)
        line.add("created", time: session.created)
        line.add("exited", time: session.exited ?? session.firstSeenExited)
        line.add("state", session.state.rawValue)
        // From the catalog if the pack's own list is damaged; left out if the catalog does not know them either.
        if pack.knowsArtifacts { line.add("artifacts", json: ArtifactEntry.json(pack.artifacts)) }
        line.add("artifacts_damage", pack.artifactsDamage?.description)
        line.add(
            "members",
            pack.reader.members.map { member in
                var row = JSONLine()
                if pack.knowsArtifacts { row.add("artifact", pack.artifact(of: member)) }
                row.add("path", Escape.path(member.path))
                if !Escape.isUTF8(member.path) { row.add("path_base64", Base64.text(member.path)) }
                row.add("kind", member.kind.name)
                row.add("size", member.size)
                row.add("sha256", Hex.text(member.sha256))
                row.add("link_target", member.linkTarget.map { Escape.path($0) })
                return row
            })
        return line.utf8 + [0x0A]
    }
}
