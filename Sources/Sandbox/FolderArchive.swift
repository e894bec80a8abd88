import CShims
import Glibc

/// Where the bytes of an archive come from: each call does a piece of the work and blocks on files only.
protocol ByteSupply: AnyObject, Sendable {
    /// The next bytes; nil at the end.
    func next() throws -> [UInt8]?
}

/// A path inside a session's root as a tar archive, written as it is asked for. Folders are read with
/// openat and never through a link; a file that shrinks while it is read is padded with zeros, as tar must.
final class FolderArchive: ByteSupply, @unchecked Sendable {
    struct Options: Sendable {
        var form = Faults.Archive.gzip
        var sparse = false
        var bareNames = false
        var paddingBytes = 0
    }

    private enum Work {
        /// A name in a folder that is held open.
        case entry(folder: Directory, name: String, path: String)
        /// The path itself, which stands in no folder we opened.
        case top(path: String)
        case padding
    }

    /// An open folder, closed when nothing in it is left to do.
    private final class Directory {
        let descriptor: Int32
        init(descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// A file whose bytes are still being written.
    private struct OpenFile {
        /// Nil for padding.
        var descriptor: Int32?
        /// What is left to be written, the next part last.
        var extents: [(offset: Int64, length: Int64)]
        /// Bytes of content in the archive, for the padding.
        var stored: Int64
    }

    /// Nil for plain tar.
    private let gzip: GzipStream?
    private let top: OpenedPath
    private let options: Options
    private var pending: [Work]
    private var file: OpenFile?
    private var finished = false
    private var collected: [UInt8] = []
    private var noise = SeededGenerator(seed: 0x5a1_7a6e)
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

    init(_ top: OpenedPath, options: Options) throws(SandboxError) {
        self.top = top
        self.options = options
        gzip = options.form == .gzip ? try GzipStream() : nil
        pending = options.paddingBytes > 0 ? [.padding] : []
        pending.append(.top(path: options.bareNames ? "." : top.name.isEmpty ? "/" : top.name))
    }

    deinit {
        if let descriptor = file?.descriptor { close(descriptor) }
        scratch.deallocate()
    }

    func next() throws -> [UInt8]? {
        while collected.count < 64 * 1024, !finished { step() }
        guard !collected.isEmpty else { return nil }
        defer { collected.removeAll(keepingCapacity: true) }
        return collected
    }

    private func step() {
        if file != nil {
            copyPiece()
        } else if let work = pending.popLast() {
            switch work {
            case .top(let path): write(top.descriptor, path: path)
            case .entry(let folder, let name, let path):
                let descriptor = openat(folder.descriptor, name, SALVAGE_O_PATH | O_NOFOLLOW | O_CLOEXEC)
                // Gone since the folder was read: leave it out.
                guard descriptor >= 0 else { return }
                defer { close(descriptor) }
                write(descriptor, path: path)
            case .padding: beginPadding()
            }
        } else {
            put(TarHeader.end, last: true)
            finished = true
        }
    }

    private func put(_ bytes: [UInt8], last: Bool = false) {
        bytes.withUnsafeBytes { put($0, last: last) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer, last: Bool = false) {
        if let gzip {
            gzip.write(bytes, last: last, into: &collected)
        } else {
            collected.append(contentsOf: bytes)
        }
    }

    private func write(_ descriptor: Int32, path: String) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return }
        var header = TarHeader(
            path: Array(path.utf8), kind: .file, mode: status.st_mode, user: status.st_uid, group: status.st_gid,
            modified: Int64(status.st_mtim.tv_sec))
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let readable = reopen(descriptor, O_RDONLY)
            guard readable >= 0 else { return }
            header.size = Int64(status.st_size)
            if options.sparse { header.extents = Self.extents(of: readable, size: header.size) }
            put(header.bytes)
            let whole = [(offset: Int64(0), length: header.size)]
            file = OpenFile(descriptor: readable, extents: (header.extents ?? whole).reversed(), stored: header.stored)
        case S_IFDIR:
            header.kind = .folder
            if !path.hasSuffix("/") { header.path.append(UInt8(ascii: "/")) }
            put(header.bytes)
            push(reopen(descriptor, O_RDONLY | O_DIRECTORY), path: path == "/" ? "" : path)
        case S_IFLNK:
            guard let room = scratch.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
            let count = readlinkat(descriptor, "", room, 4096)
            guard count >= 0 else { return }
            header.kind = .symbolicLink
            header.link = Array(scratch.prefix(count))
            put(header.bytes)
        case S_IFIFO:
            header.kind = .fifo
            put(header.bytes)
        // Sockets cannot be in a tar, and a device has no place in a session's root.
        default: break
        }
    }

    /// A descriptor opened with O_PATH gives neither bytes nor names; its own entry in /proc opens it again without a
    /// name being looked up a second time.
    private func reopen(_ descriptor: Int32, _ flags: Int32) -> Int32 {
        Glibc.open("/proc/self/fd/\(descriptor)", flags | O_CLOEXEC | O_NONBLOCK)
    }

    private func push(_ descriptor: Int32, path: String) {
        guard descriptor >= 0 else { return }
        // The stream closes the descriptor it is given.
        guard let stream = fdopendir(dup(descriptor)) else {
            close(descriptor)
            return
        }
        defer { closedir(stream) }
        let directory = Directory(descriptor: descriptor)
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        for name in names.sorted(by: >) {
            pending.append(.entry(folder: directory, name: name, path: path.isEmpty ? name : path + "/" + name))
        }
    }

    /// What is not a hole, ended by an empty extent at the end when a hole is last.
    private static func extents(of descriptor: Int32, size: Int64) -> [(offset: Int64, length: Int64)] {
        var extents: [(offset: Int64, length: Int64)] = []
        var at: Int64 = 0
        while at < size {
            let data = Int64(lseek(descriptor, off_t(at), SALVAGE_SEEK_DATA))
            guard data >= 0, data < size else { break }
            let hole = Int64(lseek(descriptor, off_t(data), SALVAGE_SEEK_HOLE))
            at = hole < 0 ? size : min(hole, size)
            extents.append((data, at - data))
        }
        if at < size || extents.isEmpty { extents.append((size, 0)) }
        return extents
    }

    private func beginPadding() {
        var header = TarHeader(path: Array((top.name.isEmpty ? "" : top.name + "/").utf8), kind: .file, mode: 0o600)
        header.path += Array("padding.bin".utf8)
        header.size = Int64(options.paddingBytes)
        put(header.bytes)
        file = OpenFile(descriptor: nil, extents: [(0, header.size)], stored: header.size)
    }

    private func copyPiece() {
        guard var file else { return }
        if let extent = file.extents.last, extent.length > 0 {
            let wanted = Int(min(extent.length, Int64(scratch.count)))
            if let descriptor = file.descriptor {
                let got = max(0, pread(descriptor, scratch.baseAddress, wanted, off_t(extent.offset)))
                // Shorter than its header said: zeros take the place of what is missing.
                for index in got..<wanted { scratch[index] = 0 }
            } else {
                for offset in stride(from: 0, to: wanted - 7, by: 8) {
                    scratch.storeBytes(of: noise.next(), toByteOffset: offset, as: UInt64.self)
                }
            }
            put(UnsafeRawBufferPointer(rebasing: scratch[..<wanted]))
            file.extents[file.extents.count - 1] = (extent.offset + Int64(wanted), extent.length - Int64(wanted))
            self.file = file
        } else if file.extents.popLast() != nil {
            self.file = file
        } else {
            put(TarHeader.padding(file.stored))
            if let descriptor = file.descriptor { close(descriptor) }
            self.file = nil
        }
    }
}

/// Fixed bytes, for archives that are ready made and for those that are none.
final class FixedBytes: ByteSupply, @unchecked Sendable {
    private var pieces: [[UInt8]]

    init(_ pieces: [[UInt8]]) { self.pieces = pieces.reversed() }

    func next() -> [UInt8]? { pieces.popLast() }
}
