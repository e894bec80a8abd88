internal import Files
import Glibc
internal import Synchronization

/// A random-access run of bytes: a file, a buffer in memory, a member of a pack.
///
/// The analyzer reads only what it needs, so even a source of many gigabytes is cheap.
public protocol ByteSource: Sendable {
    /// Length in bytes.
    var size: UInt64 { get }
    /// Reads up to `buffer.count` bytes at `offset`; returns the number read, 0 at or beyond the end.
    ///
    /// Throws when bytes before the end cannot be read; the analyzer then treats them as missing.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension ByteSource {
    /// Returns at most `count` bytes at `offset`; fewer where the source ends or a read fails.
    func bytes(at offset: UInt64, count: Int) -> [UInt8] {
        guard count > 0, offset < size else { return [] }
        let wanted = Int(min(UInt64(count), size - offset))
        return [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            while filled < wanted {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                guard let got = try? read(at: offset + UInt64(filled), into: rest), got > 0 else { return }
                filled += min(got, wanted - filled)
            }
        }
    }
}

/// Bytes held in memory.
public struct MemoryByteSource: ByteSource {
    private let content: [UInt8]

    /// Wraps `content`.
    public init(_ content: [UInt8]) { self.content = content }

    /// Length in bytes.
    public var size: UInt64 { UInt64(content.count) }

    /// Copies from memory.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < size, let target = buffer.baseAddress else { return 0 }
        let start = Int(offset)
        let count = min(buffer.count, content.count - start)
        content.withUnsafeBytes { all in
            if let base = all.baseAddress { target.copyMemory(from: base + start, byteCount: count) }
        }
        return count
    }
}

/// A part of another source.
struct SliceByteSource: ByteSource {
    let whole: any ByteSource
    let start: UInt64
    let size: UInt64

    init(_ whole: any ByteSource, start: UInt64, size: UInt64) {
        self.whole = whole
        self.start = min(start, whole.size)
        self.size = min(size, whole.size - self.start)
    }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < size else { return 0 }
        let count = Int(min(UInt64(buffer.count), size - offset))
        return try whole.read(at: start + offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    }
}

/// A regular file read by `pread`.
public final class FileByteSource: ByteSource {
    /// Length in bytes when it was opened.
    public let size: UInt64
    let descriptor: Int32
    private let isOwner: Bool
    /// Its path, for messages; empty when it is not known.
    private let path: String
    private let failed = Mutex<CrashError?>(nil)

    /// Opens a regular file for reading; throws `CrashError` when it cannot be opened or is not a regular file.
    ///
    /// Opens without blocking, so a FIFO cannot hang the caller.
    public init(path: String) throws(CrashError) {
        let opened: Int32
        do throws(FileFailure) { opened = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
            throw CrashError(reading: error, "open \(path)")
        }
        var facts = stat()
        guard fstat(opened, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size >= 0 else {
            close(opened)
            throw CrashError(code: .unreadable, message: "\(path) is not a regular file", path: path)
        }
        descriptor = opened
        isOwner = true
        self.path = path
        size = UInt64(facts.st_size)
    }

    /// Uses an open regular file, which the caller must keep open and close; nil for anything else. `path` is for
    /// messages only.
    public init?(descriptor: Int32, path: String = "") {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size >= 0 else { return nil }
        self.descriptor = descriptor
        isOwner = false
        self.path = path
        size = UInt64(facts.st_size)
    }

    deinit { if isOwner { close(descriptor) } }

    /// The first read that failed; nil if none did. The readers take bytes that cannot be read for missing, so this
    /// tells a file that ends early from one that cannot be read now.
    public var failure: CrashError? { failed.withLock { $0 } }

    /// One `pread`, repeated when interrupted; throws `CrashError` on an input error.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < size, let base = buffer.baseAddress else { return 0 }
        while true {
            let got = pread(descriptor, base, buffer.count, Int(offset))
            if got >= 0 { return got }
            let number = errno
            if number == EINTR { continue }
            let error = CrashError(reading: FileFailure("read at byte \(offset)", path, errno: number))
            failed.withLock { $0 = $0 ?? error }
            throw error
        }
    }
}
