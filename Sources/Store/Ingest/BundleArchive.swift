import Files
import Glibc
import Pack
import Tar

/// The files that a bundle has of one artifact of a session, written as an archive for the reader of downloads: no file is
/// created under a name that the bundle chose.
struct BundleArchive {
    /// Stands between the bundle's path and the artifact's name in the name of an ingested artifact.
    static let mark = "!"

    /// The artifact's name in the store.
    let name: String
    /// The archive.
    let path: String

    /// A file of the archive.
    struct File {
        /// What a file is.
        enum Kind {
            /// A regular file with the content of this member of the bundle.
            case content(Int)
            /// A symbolic link to this target.
            case link([UInt8])
            /// A folder.
            case folder
        }

        /// What it is.
        var kind: Kind
        /// Its path in the session.
        var path: [UInt8]
    }

    /// Writes an archive.
    ///
    /// - Parameters:
    ///   - files: what it holds. Two files with the content of one member become hard links.
    ///   - reader: the bundle's content.
    ///   - isWhole: whether the bundle has all of the artifact; else the archive lacks its end, by which readers see that it
    ///     is incomplete.
    static func write(_ files: [File], of reader: PackReader, to path: String, isWhole: Bool) throws {
        let output = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        defer { close(output) }
        let decoder = try BlockDecoder()
        var first: [Int: [UInt8]] = [:]
        for file in files {
            guard case .content(let index) = file.kind else {
                try Descriptor.write(output, header(of: file).bytes, path: path)
                continue
            }
            let member = reader.members[index]
            var header = TarHeader(path: file.path, kind: .file, mode: 0o600)
            let fraction = (member.mtime % 1_000_000_000 + 1_000_000_000) % 1_000_000_000
            header.modified = (member.mtime - fraction) / 1_000_000_000
            header.nanoseconds = fraction
            if let other = first[index] {
                header.kind = .hardLink
                header.link = other
                try Descriptor.write(output, header.bytes, path: path)
                continue
            }
            first[index] = file.path
            header.size = Int64(clamping: member.size)
            header.extents = extents(of: member)
            try Descriptor.write(output, header.bytes, path: path)
            if header.extents == nil {
                try reader.stream(member: index, using: decoder) { try Descriptor.write(output, $0, path: path) }
            } else {
                try reader.streamExtents(member: index, using: decoder) { extent in
                    if case .bytes(let piece, _) = extent { try Descriptor.write(output, piece, path: path) }
                }
            }
            try Descriptor.write(output, TarHeader.padding(header.stored), path: path)
        }
        if isWhole { try Descriptor.write(output, TarHeader.end, path: path) }
    }

    /// The header of a folder or link.
    private static func header(of file: File) -> TarHeader {
        guard case .link(let target) = file.kind else { return TarHeader(path: file.path, kind: .folder, mode: 0o700) }
        var header = TarHeader(path: file.path, kind: .symbolicLink, mode: 0o777)
        header.link = target
        return header
    }

    /// The parts of a member that are not holes; nil if it has no holes, or too many to be worth it.
    private static func extents(of member: Member) -> [(offset: Int64, length: Int64)]? {
        guard !member.holes.isEmpty, member.holes.count < FolderArchive.mostExtents else { return nil }
        var extents: [(offset: Int64, length: Int64)] = []
        var at: UInt64 = 0
        for hole in member.holes {
            if hole.offset > at { extents.append((Int64(clamping: at), Int64(clamping: hole.offset - at))) }
            at = hole.offset &+ hole.length
        }
        if at < member.size {
            extents.append((Int64(clamping: at), Int64(clamping: member.size - at)))
        } else {
            // A file that ends in a hole.
            extents.append((Int64(clamping: member.size), 0))
        }
        return extents
    }
}
