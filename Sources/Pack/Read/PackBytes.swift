import Files
import Glibc

/// The bytes of one pack: an open file, memory, or ranges read from elsewhere.
///
/// Files are read, not mapped: a file that shrinks under a mapping kills the process that reads it.
public final class PackBytes: Sendable {
    private enum Origin {
        case descriptor(Int32, owned: Bool)
        case memory([UInt8])
        /// With the pack's last bytes, which opening a pack begins with.
        case ranges(any RangeReader, end: [UInt8])
    }

    private let origin: Origin
    /// The size of the pack in bytes.
    public let size: UInt64
    /// Names the pack in errors, if it has a name.
    public let path: String?

    /// How many bytes at its end are read when a pack is opened, at most.
    public static let endSize = 64 << 10

    /// Opens a file.
    public init(path: String) throws(PackError) {
        var descriptor: Int32
        repeat {
            // Without O_NONBLOCK, opening a FIFO would block.
            descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw .system(errno, "open the pack", path: path) }
        do throws(PackError) {
            size = try PackFile.size(descriptor)
        } catch {
            close(descriptor)
            var located = error
            located.path = path
            throw located
        }
        origin = .descriptor(descriptor, owned: true)
        self.path = path
    }

    /// Reads through a descriptor that supports `pread`. The caller keeps ownership of it.
    public init(descriptor: Int32) throws(PackError) {
        size = try PackFile.size(descriptor)
        origin = .descriptor(descriptor, owned: false)
        path = nil
    }

    /// Reads ranges of a pack that is not a local file. Requests its end now.
    public init(_ ranges: any RangeReader, path: String?) throws(PackError) {
        let (end, size) = try ranges.end(Self.endSize)
        guard UInt64(end.count) == min(size, UInt64(Self.endSize)) else {
            throw PackError(.io, "the end of the pack was not read completely", path: path)
        }
        origin = .ranges(ranges, end: end)
        self.size = size
        self.path = path
    }

    /// Reads ranges of a pack of which the last bytes are here already.
    ///
    /// - Parameters:
    ///   - end: the pack's last bytes; ``endToOpen(of:)`` of them, or the whole footer, save a request.
    ///   - size: the pack's size in bytes, at least that of `end`.
    public init(_ ranges: any RangeReader, end: [UInt8], size: UInt64, path: String?) {
        origin = .ranges(ranges, end: UInt64(end.count) <= size ? end : [])
        self.size = size
        self.path = path
    }

    /// How many bytes at the end of a pack of a size are read at first when it is opened.
    public static func endToOpen(of size: UInt64) -> UInt64 { min(size, FooterBytes.guess(size)) }

    init(_ bytes: [UInt8]) {
        size = UInt64(bytes.count)
        origin = .memory(bytes)
        path = nil
    }

    deinit {
        if case .descriptor(let descriptor, true) = origin { close(descriptor) }
    }

    /// Tells the pack from another that takes its path; nil when nothing does.
    public func identity() throws(PackError) -> PackIdentity? {
        switch origin {
        case .descriptor(let descriptor, _): PackIdentity(try PackError.wrap(try FileIdentity(of: descriptor)))
        case .memory: nil
        case .ranges(let ranges, _): ranges.identity
        }
    }

    /// Fills `buffer` from `offset`; throws when the file is shorter.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) {
        let got: Int
        switch origin {
        case .descriptor(let descriptor, _):
            got = try PackFile.read(descriptor, at: offset, into: buffer)
        case .memory(let bytes):
            got = Self.copy(bytes, from: offset, into: buffer)
        case .ranges(let ranges, let end):
            let kept = size - UInt64(end.count)
            got =
                offset >= kept
                ? Self.copy(end, from: offset - kept, into: buffer)
                : try Self.read(ranges, at: offset, into: buffer)
        }
        guard got == buffer.count else {
            throw PackError(.damagedFooter, "the file ends too early", path: path, offset: offset &+ UInt64(got))
        }
    }

    /// Reads several ranges, at once where the pack's origin allows it, and returns the bytes of each.
    ///
    /// - Throws: `PackError`, with `damagedFooter` if one of them is not within the pack.
    public func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        if let range = ranges.first(where: { $0.upperBound > size }) {
            throw PackError(.damagedFooter, "the file ends too early", path: path, offset: range.lowerBound)
        }
        guard case .ranges(let reader, let end) = origin else {
            var found: [[UInt8]] = []
            for range in ranges { found.append(try read(at: range.lowerBound, count: range.count)) }
            return found
        }
        let kept = size - UInt64(end.count)
        let distant = ranges.indices.filter { ranges[$0].lowerBound < kept }
        let read = distant.isEmpty ? [] : try reader.read(distant.map { ranges[$0] })
        guard read.count == distant.count else {
            throw PackError(.io, "not all of the ranges were read", path: path)
        }
        var found = ranges.map { range in
            range.lowerBound < kept
                ? [] : Array(end[Int(range.lowerBound - kept)..<Int(range.upperBound - kept)])
        }
        for (index, bytes) in zip(distant, read) { found[index] = bytes }
        return found
    }

    /// These bytes for a home that wraps another one.
    public var ranges: any RangeReader {
        if case .ranges(let reader, let end) = origin { return BegunRanges(reader: reader, end: end, size: size) }
        return RangesOfBytes(bytes: self)
    }

    private static func copy(
        _ bytes: [UInt8], from offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        let start = Int(min(offset, UInt64(bytes.count)))
        let count = min(buffer.count, bytes.count - start)
        bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        return count
    }

    private static func read(
        _ ranges: any RangeReader, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(PackError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try ranges.read(at: offset + UInt64(done), into: rest)
            guard count > 0 else { break }
            done += count
        }
        return done
    }

    /// Reads `count` bytes from `offset`; throws when they are not within the file.
    func read(at offset: UInt64, count: Int) throws(PackError) -> [UInt8] {
        guard count >= 0, offset <= size, UInt64(count) <= size - offset else {
            throw PackError(.damagedFooter, "the file ends too early", path: path, offset: offset)
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
        defer { buffer.deallocate() }
        try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        return Array(buffer[..<count])
    }
}

/// Ranges of a pack whose end has arrived already.
private struct BegunRanges: RangeReader {
    let reader: any RangeReader
    let end: [UInt8]
    let size: UInt64
    var identity: PackIdentity? { reader.identity }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
        if count > end.count, UInt64(end.count) < size { return try reader.end(count) }
        return (Array(end.suffix(count)), size)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        try reader.read(at: offset, into: buffer)
    }

    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] { try reader.read(ranges) }
}

/// Ranges of a file or of memory.
private struct RangesOfBytes: RangeReader {
    let bytes: PackBytes
    // What has no identity now is refused by the reads that follow.
    var identity: PackIdentity? { try? bytes.identity() }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
        let count = Int(min(UInt64(max(0, count)), bytes.size))
        return (try bytes.read(at: bytes.size - UInt64(count), count: count), bytes.size)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        guard offset < bytes.size else { return 0 }
        let count = Int(min(UInt64(buffer.count), bytes.size - offset))
        try bytes.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        return count
    }
}
