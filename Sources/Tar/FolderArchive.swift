internal import CFiles
public import Files
internal import Glibc

/// A tar archive of a file or folder, made piece by piece. Folders are read with openat and never through a link.
///
/// libarchive could write it, but its static library links every format of its writers into a program, and with them
/// libxml2 and nettle: the object of the tar formats refers to a table of all. GNU tar could, but it is another program,
/// whose messages would have to be parsed.
public final class FolderArchive {
    /// How an archive is written.
    public struct Options: Sendable {
        /// What happens if an entry cannot be read.
        public enum Unreadable: Sendable {
            /// The archive ends with an error.
            case fails
            /// The entry is left out or filled with zeros, and ``FolderArchive/problems`` says so.
            case isReported
        }

        /// What happens if an entry cannot be read.
        public var unreadable = Unreadable.fails
        /// Whether holes are left out. Else they are stored as zeros.
        public var keepsHoles = true
        /// Whether times are cut to seconds.
        public var wholeSeconds = false
        /// Whether the entries belong to user and group 0 instead of their owners.
        public var ownedByRoot = false
        /// Whether an archive that is written to a file is synced, because what it was made of will be removed.
        public var isSynced = false
        /// A file that is not archived: the archive itself.
        public var leftOut: FileIdentity?

        /// Makes the default options.
        public init() {}
    }

    private enum Work {
        /// A name in a folder that is held open.
        case entry(folder: Directory, name: [CChar], path: [UInt8])
        /// The requested path itself.
        case top(Directory, path: [UInt8])
    }

    /// An open file or folder, closed when all below it is written.
    private final class Directory {
        let descriptor: Int32
        init(descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// A file whose bytes are still being written.
    private struct OpenEntry {
        var path: [UInt8]
        var descriptor: Int32
        var facts: stat
        /// The parts still to be written, the next one last.
        var extents: [(offset: Int64, length: Int64)]
        /// The number of bytes of content in the archive, to compute the padding.
        var stored: Int64
        /// Whether the content could not be read to its end.
        var isCut = false
    }

    private let options: Options
    private var pending: [Work]
    private var file: OpenEntry?
    private var isFinished = false
    private var collected: [UInt8] = []
    /// The first archived path of each file that has several.
    private var linked: [FileIdentity: [UInt8]] = [:]
    private let scratch: UnsafeMutableRawBufferPointer

    /// What could not be read, one sentence each, if ``Options/unreadable`` says to report it.
    public private(set) var problems: [String] = []

    /// Makes an archive of what `descriptor` has open, which may be opened with O_PATH. Its entry has the path `path`;
    /// those below it begin with that.
    public init(_ descriptor: Int32, path: [UInt8], options: Options) throws(FileFailure) {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw .last("archive", String(decoding: path, as: UTF8.self)) }
        scratch = .allocate(byteCount: 256 << 10, alignment: 16)
        self.options = options
        pending = [.top(Directory(descriptor: own), path: path)]
    }

    deinit {
        if let file { close(file.descriptor) }
        scratch.deallocate()
    }

    /// Returns the next bytes; nil at the end.
    public func next() throws(FileFailure) -> [UInt8]? {
        while collected.count < 64 << 10, !isFinished { try step() }
        guard !collected.isEmpty else { return nil }
        defer { collected.removeAll(keepingCapacity: true) }
        return collected
    }

    private func step() throws(FileFailure) {
        if file != nil {
            try copyPiece()
        } else if let work = pending.popLast() {
            switch work {
            // Without its top an archive has nothing: never only reported.
            case .top(let opened, let path): try write(opened.descriptor, path: path)
            case .entry(let folder, let name, let path):
                do throws(FileFailure) { try write(name, of: folder, path: path) } catch {
                    guard options.unreadable == .isReported else { throw error }
                    report(path, error.isAbsence ? "it was removed while the folder was read" : error.reason)
                }
            }
        } else {
            collected += TarHeader.end
            isFinished = true
        }
    }

    private func report(_ path: [UInt8], _ problem: String) {
        guard options.unreadable == .isReported else { return }
        problems.append("\(String(decoding: path, as: UTF8.self)): \(problem)")
    }

    private static func unreadable(_ path: [UInt8]) -> FileFailure {
        .last("read", String(decoding: path, as: UTF8.self))
    }

    private func write(_ name: [CChar], of folder: Directory, path: [UInt8]) throws(FileFailure) {
        let descriptor = openat(folder.descriptor, name, SALVAGE_O_PATH | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            let failure = Self.unreadable(path)
            // Removed since the folder was read: it is left out.
            if failure.errno == ENOENT, options.unreadable == .fails { return }
            throw failure
        }
        defer { close(descriptor) }
        try write(descriptor, path: path)
    }

    private func write(_ descriptor: Int32, path: [UInt8]) throws(FileFailure) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw Self.unreadable(path) }
        var header = TarHeader(
            path: path, kind: .file, mode: UInt32(facts.st_mode), modified: Int64(facts.st_mtim.tv_sec))
        if !options.ownedByRoot { (header.user, header.group) = (facts.st_uid, facts.st_gid) }
        if !options.wholeSeconds { header.nanoseconds = Int64(facts.st_mtim.tv_nsec) }
        switch facts.st_mode & S_IFMT {
        case S_IFREG: try beginFile(descriptor, facts, header)
        case S_IFDIR:
            let readable = Directory(descriptor: try Self.reopen(descriptor, O_RDONLY | O_DIRECTORY, path))
            header.kind = .folder
            if path.last != UInt8(ascii: "/") { header.path.append(UInt8(ascii: "/")) }
            collected += header.bytes
            try push(readable, path: path)
        case S_IFLNK:
            guard let room = scratch.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
            let count = readlinkat(descriptor, "", room, Int(PATH_MAX))
            guard count >= 0 else { throw Self.unreadable(path) }
            header.kind = .symbolicLink
            header.link = Array(scratch.prefix(count))
            collected += header.bytes
        case S_IFIFO:
            header.kind = .fifo
            collected += header.bytes
        case S_IFCHR, S_IFBLK:
            header.kind = facts.st_mode & S_IFMT == S_IFCHR ? .characterDevice : .blockDevice
            header.device = Self.device(UInt64(facts.st_rdev))
            collected += header.bytes
        default: report(path, "tar cannot store sockets")
        }
    }

    /// The two halves of a device number, as glibc's gnu_dev_major(3) and gnu_dev_minor(3) take them apart.
    private static func device(_ number: UInt64) -> (major: UInt32, minor: UInt32) {
        (
            UInt32(truncatingIfNeeded: number >> 8 & 0xfff | number >> 32 & ~0xfff),
            UInt32(truncatingIfNeeded: number & 0xff | number >> 12 & ~0xff)
        )
    }

    private func beginFile(_ descriptor: Int32, _ facts: stat, _ header: TarHeader) throws(FileFailure) {
        var header = header
        var identity: FileIdentity?
        if facts.st_nlink > 1 || options.leftOut != nil { identity = try FileIdentity(of: descriptor) }
        if let identity, identity == options.leftOut { return report(header.path, "it is the archive itself") }
        if let identity, let first = linked[identity] {
            header.kind = .hardLink
            header.link = first
            collected += header.bytes
            return
        }
        let readable = try Self.reopen(descriptor, O_RDONLY, header.path)
        header.size = Int64(facts.st_size)
        // The kernel counts blocks of 512 bytes.
        if options.keepsHoles, Int64(facts.st_blocks) < (header.size + 511) / 512 {
            header.extents = Self.extents(of: readable, size: header.size)
        }
        collected += header.bytes
        if let identity, facts.st_nlink > 1 { linked[identity] = header.path }
        let whole = [(offset: Int64(0), length: header.size)]
        file = OpenEntry(
            path: header.path, descriptor: readable, facts: facts, extents: (header.extents ?? whole).reversed(),
            stored: header.stored)
    }

    /// Reopens a descriptor for reading. O_PATH allows no reading; opening it through /proc avoids a second lookup of
    /// the name.
    private static func reopen(_ descriptor: Int32, _ flags: Int32, _ path: [UInt8]) throws(FileFailure) -> Int32 {
        let opened = Glibc.open("/proc/self/fd/\(descriptor)", flags | O_CLOEXEC | O_NONBLOCK)
        guard opened >= 0 else { throw unreadable(path) }
        return opened
    }

    /// Queues the entries of a folder, sorted by the bytes of their names.
    private func push(_ directory: Directory, path: [UInt8]) throws(FileFailure) {
        // The stream closes the descriptor it is given.
        let own = fcntl(directory.descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw Self.unreadable(path) }
        guard let stream = fdopendir(own) else {
            let failure = Self.unreadable(path)
            close(own)
            throw failure
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw Self.unreadable(path) }
        let isRoot = path.elementsEqual("/".utf8)
        for name in names.sorted(by: { $1.lexicographicallyPrecedes($0) }) {
            pending.append(
                .entry(
                    folder: directory, name: (name + [0]).map { CChar(bitPattern: $0) },
                    path: isRoot ? name : path + [UInt8(ascii: "/")] + name))
        }
    }

    /// The parts that are not holes, with an empty extent at the end if the file ends in a hole; nil if it has none.
    private static func extents(of descriptor: Int32, size: Int64) -> [(offset: Int64, length: Int64)]? {
        var extents: [(offset: Int64, length: Int64)] = []
        var at: Int64 = 0
        while at < size {
            let data = Int64(lseek(descriptor, off_t(at), SALVAGE_SEEK_DATA))
            if data < 0, errno != ENXIO { return nil }
            guard data >= 0, data < size else { break }
            let hole = Int64(lseek(descriptor, off_t(data), SALVAGE_SEEK_HOLE))
            at = hole < 0 ? size : min(hole, size)
            extents.append((data, at - data))
        }
        if extents.first.map({ $0.offset == 0 && $0.length == size }) == true { return nil }
        if at < size || extents.isEmpty { extents.append((size, 0)) }
        return extents.count > mostExtents ? joined(extents, size: size) : extents
    }

    /// The most extents of one file that an archive has. A reader's limit is 100,000 (`UnpackLimits.sparseExtents`).
    public static let mostExtents = 65_536

    /// Keeps only holes so long that there cannot be too many of them; shorter ones are stored as zeros.
    static func joined(
        _ extents: [(offset: Int64, length: Int64)], size: Int64
    ) -> [(offset: Int64, length: Int64)] {
        let shortest = size / Int64(mostExtents)
        var joined: [(offset: Int64, length: Int64)] = []
        for extent in extents {
            if let last = joined.last, extent.offset - (last.offset + last.length) <= shortest {
                joined[joined.count - 1].length = extent.offset + extent.length - last.offset
            } else {
                joined.append(extent)
            }
        }
        return joined
    }

    private func copyPiece() throws(FileFailure) {
        guard var file else { return }
        if let extent = file.extents.last, extent.length > 0 {
            let wanted = Int(min(extent.length, Int64(scratch.count)))
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<wanted])
            var got = 0
            do throws(FileFailure) {
                got = try Descriptor.read(file.descriptor, at: UInt64(extent.offset), into: piece)
            } catch {
                guard options.unreadable == .isReported else {
                    throw FileFailure("read", String(decoding: file.path, as: UTF8.self), errno: error.errno)
                }
                if !file.isCut {
                    report(
                        file.path,
                        "parts from byte \(extent.offset) on cannot be read; zeros are stored there: \(error.reason)")
                }
                file.isCut = true
                got = readPages(of: file.descriptor, at: extent.offset, into: piece)
            }
            // The size was written before the content: what is missing becomes zeros.
            for index in got..<wanted { piece[index] = 0 }
            collected.append(contentsOf: piece)
            file.extents[file.extents.count - 1] = (extent.offset + Int64(wanted), extent.length - Int64(wanted))
            self.file = file
        } else if file.extents.popLast() != nil {
            self.file = file
        } else {
            collected += TarHeader.padding(file.stored)
            reportChange(of: file)
            close(file.descriptor)
            self.file = nil
        }
    }

    /// Reads what can be read of a piece with unreadable parts, page by page; the rest becomes zeros.
    private func readPages(of descriptor: Int32, at offset: Int64, into piece: UnsafeMutableRawBufferPointer) -> Int {
        var done = 0
        while done < piece.count {
            let page = UnsafeMutableRawBufferPointer(rebasing: piece[done..<min(done + 4096, piece.count)])
            let read = (try? Descriptor.read(descriptor, at: UInt64(offset) + UInt64(done), into: page)) ?? 0
            for index in read..<page.count { page[index] = 0 }
            done += page.count
        }
        return done
    }

    private func reportChange(of file: OpenEntry) {
        var now = stat()
        guard !file.isCut, fstat(file.descriptor, &now) == 0 else { return }
        let before = file.facts
        if now.st_size < before.st_size {
            report(file.path, "it shrank by \(before.st_size - now.st_size) bytes while it was read; zeros are stored")
        } else if now.st_size > before.st_size || now.st_ctim.tv_sec != before.st_ctim.tv_sec
            || now.st_ctim.tv_nsec != before.st_ctim.tv_nsec
        {
            report(file.path, "it changed while it was read")
        }
    }
}
