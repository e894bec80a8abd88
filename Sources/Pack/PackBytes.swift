import Files
import Glibc

/// The source of a reader's bytes: an open file, or memory.
///
/// Files are read, not mapped: a file that shrinks under a mapping kills the process that reads it.
final class PackBytes: Sendable {
    private enum Origin {
        case descriptor(Int32, owned: Bool)
        case memory([UInt8])
    }

    private let origin: Origin
    let size: UInt64
    let path: String?

    init(path: String) throws(PackError) {
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
            throw error
        }
        origin = .descriptor(descriptor, owned: true)
        self.path = path
    }

    init(descriptor: Int32) throws(PackError) {
        size = try PackFile.size(descriptor)
        origin = .descriptor(descriptor, owned: false)
        path = nil
    }

    init(_ bytes: [UInt8]) {
        size = UInt64(bytes.count)
        origin = .memory(bytes)
        path = nil
    }

    deinit {
        if case .descriptor(let descriptor, true) = origin { close(descriptor) }
    }

    func identity() throws(PackError) -> FileIdentity? {
        guard case .descriptor(let descriptor, _) = origin else { return nil }
        return try PackError.wrap(try FileIdentity(of: descriptor))
    }

    /// Fills `buffer` from `offset`; throws when the file is shorter.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) {
        let got: Int
        switch origin {
        case .descriptor(let descriptor, _):
            got = try PackFile.read(descriptor, at: offset, into: buffer)
        case .memory(let bytes):
            let start = Int(min(offset, UInt64(bytes.count)))
            got = min(buffer.count, bytes.count - start)
            bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + got])) }
        }
        guard got == buffer.count else {
            throw PackError(.damagedFooter, "the file ends too early", path: path, offset: offset &+ UInt64(got))
        }
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
