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
    static let endSize = 64 << 10

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
