import Glibc
import Ingest
import Pack
import Text

/// Writes members of one pack into an export tree.
final class MemberExport {
    let pack: SessionPack
    private let tree: ExportTree
    private let prefix: [String]
    private let redaction: TextRedaction?
    private let decoder: BlockDecoder
    private(set) var files = 0
    private(set) var bytes: UInt64 = 0
    private(set) var leftOut = 0
    private(set) var damaged: [String] = []
    /// The file that each member became, relative to the tree.
    private(set) var written: [Int: (path: String, size: UInt64)] = [:]
    /// Members whose content hard links share, and the path it was first written to.
    private var shared: [Int: String?] = [:]

    /// - Parameters:
    ///   - pack: the pack.
    ///   - tree: where files are created.
    ///   - prefix: the folder in the tree.
    ///   - redaction: what is applied to logs and other texts.
    init(pack: SessionPack, tree: ExportTree, prefix: [String] = [], redaction: TextRedaction? = nil) throws {
        self.pack = pack
        self.tree = tree
        self.prefix = prefix
        self.redaction = redaction
        decoder = try BlockDecoder()
        for index in pack.reader.members.indices where pack.reader.members[index].kind == .hardlink {
            if case .member(let content) = pack.reader.linkedContent(of: index) { shared[content] = .some(nil) }
        }
    }

    func export(_ index: Int) throws {
        let member = pack.reader.members[index]
        let components = prefix + ExportName.components(of: member.path)
        switch member.kind {
        case .directory:
            try tree.makeFolder(components)
            written[index] = (components.joined(separator: "/"), 0)
        case .symlink, .device, .fifo: leftOut += 1
        case .hardlink where member.size == 0:
            guard case .member(let content) = pack.reader.linkedContent(of: index) else {
                leftOut += 1
                return
            }
            try writeShared(content, as: index, components)
        case .log, .crashDump, .text, .binary, .hardlink: try writeShared(index, as: index, components)
        }
    }

    /// Whether the content of a member is text, to which redaction rules apply; true for what has no content.
    func isText(_ index: Int) -> Bool {
        let member = pack.reader.members[index]
        switch member.kind {
        case .log, .text, .directory, .symlink, .device, .fifo: return true
        case .crashDump, .binary: return member.size == 0
        case .hardlink:
            guard case .member(let content) = pack.reader.linkedContent(of: index), content != index else {
                return member.size == 0
            }
            return pack.reader.members[content].kind.isText
        }
    }

    /// Writes a member's content once; a second name of it becomes a hard link again.
    private func writeShared(_ index: Int, as name: Int, _ components: [String]) throws {
        if case .some(.some(let first)) = shared[index], let path = try tree.link(first, to: components) {
            files += 1
            written[name] = (path, written[index]?.size ?? pack.reader.members[index].size)
            return
        }
        let file = try writeFile(index, pack.reader.members[index], components)
        if shared[index] != nil {
            shared[index] = file.path
            written[index] = file
        }
        written[name] = file
    }

    private func writeFile(
        _ index: Int, _ member: Member, _ components: [String]
    ) throws -> (path: String, size: UInt64) {
        let file = try tree.createFile(components)
        defer { close(file.descriptor) }
        files += 1
        var size = member.size
        do {
            if let redaction, member.kind.isText {
                size = try writeRedacted(index, file, redaction)
            } else {
                try pack.reader.streamExtents(member: index, using: decoder) { extent in
                    if case .bytes(let piece, let offset) = extent { try tree.put(piece, into: file, at: offset) }
                }
            }
        } catch let error as RedactedDamage {
            size = error.size
            damaged.append(Escape.path(member.path))
        } catch is PackError {
            damaged.append(Escape.path(member.path))
        }
        bytes &+= size
        // A trailing hole has no bytes to write; setting the length creates it.
        if size <= UInt64(Int.max), ftruncate(file.descriptor, off_t(size)) != 0 {
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
        return (file.path, size)
    }

    /// Writes a text with the rules applied and returns its new size.
    private func writeRedacted(
        _ index: Int, _ file: (descriptor: Int32, path: String), _ redaction: TextRedaction
    ) throws -> UInt64 {
        var end: UInt64 = 0
        let take = { (piece: UnsafeRawBufferPointer) throws in
            try self.tree.put(piece, into: file, at: end)
            end &+= UInt64(piece.count)
        }
        do {
            try pack.reader.streamExtents(member: index, using: decoder) { extent in
                switch extent {
                case .bytes(let piece, _): try redaction.push(piece, take)
                case .hole(let hole):
                    try redaction.finish(take)
                    end &+= hole.length
                }
            }
        } catch is PackError {
            // What arrived of the last line must not reach the next file.
            try redaction.finish(take)
            throw RedactedDamage(size: end)
        }
        try redaction.finish(take)
        return end
    }

    /// utimensat(2): leave this time as it is.
    private static let keepTime = (1 << 30) - 2
}

/// A text was written up to a damaged part.
private struct RedactedDamage: Error {
    let size: UInt64
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
    func write(_ content: [UInt8], to components: [String], isProgram: Bool = false) throws {
        let file = try createFile(components)
        defer { close(file.descriptor) }
        note(file.path)
        try content.withUnsafeBytes { try put($0, into: file, at: 0) }
        if isProgram { fchmod(file.descriptor, 0o700) }
        // Content that is zeros, or ends in a page of them, was not written.
        guard ftruncate(file.descriptor, off_t(content.count)) == 0 else {
            throw StoreError(
                .exportFailed, "cannot set a file's length: \(String(cString: strerror(errno)))", path: file.path)
        }
    }
}
