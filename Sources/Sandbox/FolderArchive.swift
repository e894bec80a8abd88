import Bytes
import CFiles
import Files
import Glibc

/// A source of an archive's bytes. Each call does a piece of the work and blocks on files only.
protocol ByteSupply: AnyObject, Sendable {
    /// Returns the next bytes; nil at the end.
    func next() throws -> [UInt8]?
}

/// A tar archive of a path inside a session's root, produced on demand. Folders are read with openat and never through
/// a link. A file that shrinks while it is read is padded with zeros, because its size has been sent. Names are bytes,
/// in UTF-8 or not. An entry that cannot be read ends the archive with an error; it is not silently left out.
final class FolderArchive: ByteSupply, @unchecked Sendable {
    struct Options: Sendable {
        var form = Faults.Archive.gzip
        var sparse = false
        var bareNames = false
        var paddingBytes = 0
    }

    private enum Work {
        /// A name in a folder that is held open.
        case entry(folder: Directory, name: [CChar], path: [UInt8])
        /// The requested path itself.
        case top(path: [UInt8])
        case padding
    }

    /// An open folder, closed when all its entries are written.
    private final class Directory {
        let descriptor: Int32
        init(descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// A file whose bytes are still being written.
    private struct OpenFile {
        /// Nil for padding.
        var descriptor: Int32?
        /// The parts still to be written, the next one last.
        var extents: [(offset: Int64, length: Int64)]
        /// Bytes of content in the archive, to compute the padding.
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
    private var noise = SplitMix64(seed: 0x5a1_7a6e)
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

    init(_ top: OpenedPath, options: Options) throws(SandboxError) {
        self.top = top
        self.options = options
        gzip = options.form == .gzip ? try GzipStream() : nil
        pending = options.paddingBytes > 0 ? [.padding] : []
        pending.append(.top(path: Array((options.bareNames ? "." : top.name.isEmpty ? "/" : top.name).utf8)))
    }

    deinit {
        if let descriptor = file?.descriptor { close(descriptor) }
        scratch.deallocate()
    }

    func next() throws -> [UInt8]? {
        while collected.count < 64 * 1024, !finished { try step() }
        guard !collected.isEmpty else { return nil }
        defer { collected.removeAll(keepingCapacity: true) }
        return collected
    }

    private func step() throws(SandboxError) {
        if file != nil {
            try copyPiece()
        } else if let work = pending.popLast() {
            switch work {
            case .top(let path): try write(top.descriptor, path: path)
            case .entry(let folder, let name, let path):
                let descriptor = openat(folder.descriptor, name, SALVAGE_O_PATH | O_NOFOLLOW | O_CLOEXEC)
                guard descriptor >= 0 else {
                    // Removed since the folder was read: leave it out.
                    if errno == ENOENT { return }
                    throw Self.unreadable(path, errno)
                }
                defer { close(descriptor) }
                try write(descriptor, path: path)
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

    private static func unreadable(_ path: [UInt8], _ code: Int32) -> SandboxError {
        let reason = String(cString: strerror(code))
        return SandboxError("\(String(decoding: path, as: UTF8.self)) cannot be read for an archive: \(reason)")
    }

    private func write(_ descriptor: Int32, path: [UInt8]) throws(SandboxError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path, errno) }
        var header = TarHeader(
            path: path, kind: .file, mode: status.st_mode, user: status.st_uid, group: status.st_gid,
            modified: Int64(status.st_mtim.tv_sec))
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            let readable = try reopen(descriptor, O_RDONLY, path)
            header.size = Int64(status.st_size)
            if options.sparse { header.extents = Self.extents(of: readable, size: header.size) }
            put(header.bytes)
            let whole = [(offset: Int64(0), length: header.size)]
            file = OpenFile(descriptor: readable, extents: (header.extents ?? whole).reversed(), stored: header.stored)
        case S_IFDIR:
            header.kind = .folder
            if path.last != UInt8(ascii: "/") { header.path.append(UInt8(ascii: "/")) }
            put(header.bytes)
            try push(reopen(descriptor, O_RDONLY | O_DIRECTORY, path), path: path)
        case S_IFLNK:
            guard let room = scratch.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
            let count = readlinkat(descriptor, "", room, 4096)
            guard count >= 0 else { throw Self.unreadable(path, errno) }
            header.kind = .symbolicLink
            header.link = Array(scratch.prefix(count))
            put(header.bytes)
        case S_IFIFO:
            header.kind = .fifo
            put(header.bytes)
        // tar cannot store sockets, and a session's root should have no devices.
        default: break
        }
    }

    /// Reopens a descriptor for reading. O_PATH allows no reading; opening it through /proc avoids a second lookup of
    /// the name.
    private func reopen(_ descriptor: Int32, _ flags: Int32, _ path: [UInt8]) throws(SandboxError) -> Int32 {
        let opened = Glibc.open("/proc/self/fd/\(descriptor)", flags | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else { throw Self.unreadable(path, errno) }
        return opened
    }

    private func push(_ descriptor: Int32, path: [UInt8]) throws(SandboxError) {
        let directory = Directory(descriptor: descriptor)
        // The stream closes the descriptor it is given.
        guard let stream = fdopendir(dup(descriptor)) else { throw Self.unreadable(path, errno) }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: 256) { name in
                    Array(UnsafeBufferPointer(start: name, count: Self.length(of: name)))
                }
            }
            if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { names.append(name) }
        }
        let isRoot = path.elementsEqual("/".utf8)
        for name in names.sorted(by: { $1.lexicographicallyPrecedes($0) }) {
            pending.append(
                .entry(
                    folder: directory, name: (name + [0]).map { CChar(bitPattern: $0) },
                    path: isRoot ? name : path + [UInt8(ascii: "/")] + name))
        }
    }

    private static func length(of name: UnsafePointer<UInt8>) -> Int {
        (0..<256).first { name[$0] == 0 } ?? 256
    }

    /// The parts that are not holes, with an empty extent at the end if the file ends in a hole.
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

    private func copyPiece() throws(SandboxError) {
        guard var file else { return }
        if let extent = file.extents.last, extent.length > 0 {
            let wanted = Int(min(extent.length, Int64(scratch.count)))
            if let descriptor = file.descriptor {
                let part = UnsafeMutableRawBufferPointer(rebasing: scratch[..<wanted])
                let got: Int
                do throws(FileFailure) {
                    got = try Descriptor.read(descriptor, at: UInt64(extent.offset), into: part)
                } catch {
                    throw SandboxError("cannot read a file for an archive: \(error.reason)")
                }
                // The file is shorter than its header says: fill with zeros.
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

/// Fixed bytes, for prepared archives and for bodies that are not archives.
final class FixedBytes: ByteSupply, @unchecked Sendable {
    private var pieces: [[UInt8]]

    init(_ pieces: [[UInt8]]) { self.pieces = pieces.reversed() }

    func next() -> [UInt8]? { pieces.popLast() }
}
