internal import Glibc

/// An open file, closed when the object is freed. Reads and writes at offsets may come from several threads.
///
/// Prefer its methods to its descriptor: they keep the object, and so the file, open for the length of the call.
public final class OpenFile: Sendable {
    /// Its path, for messages.
    public let path: String
    /// The file's descriptor. This object closes it.
    public let descriptor: Int32

    /// Opens a file with the flags of open(2); O_CLOEXEC and O_NOFOLLOW are added. A file that is created gets `mode`.
    public init(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(FileFailure) {
        self.path = path
        descriptor = try Descriptor.open(path, flags | O_NOFOLLOW, mode: mode)
    }

    deinit { close(descriptor) }

    /// Size in bytes.
    public var size: UInt64 {
        get throws(FileFailure) { try Descriptor.size(descriptor, path: path) }
    }

    /// Last change of the content, in nanoseconds since 1970 UTC.
    public var modified: Int64 {
        get throws(FileFailure) {
            var facts = stat()
            guard fstat(descriptor, &facts) == 0 else { throw .last("fstat", path) }
            return Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
        }
    }

    /// Reads from an offset until the buffer is full or the file ends; returns the number of bytes read.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(FileFailure) -> Int {
        try Descriptor.read(descriptor, at: offset, into: buffer, path: path)
    }

    /// Reads at most `count` bytes from an offset; fewer only at the end of the file.
    public func read(at offset: UInt64, count: Int) throws(FileFailure) -> [UInt8] {
        try Descriptor.read(descriptor, at: offset, count: count, path: path)
    }

    /// Reads all that is left from the file's own position; fails with `EOVERFLOW` when that is more than `limit` bytes.
    public func rest(limit: Int) throws(FileFailure) -> [UInt8] {
        try Descriptor.rest(descriptor, limit: limit, path: path)
    }

    /// Writes all of the bytes at the file's own position.
    public func write(_ bytes: [UInt8]) throws(FileFailure) {
        try Descriptor.write(descriptor, bytes, path: path)
    }

    /// Writes all of the bytes at the file's own position.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(FileFailure) {
        try Descriptor.write(descriptor, bytes, path: path)
    }

    /// Cuts the file to a size in bytes, or extends it with zeros.
    public func truncate(to size: UInt64) throws(FileFailure) {
        try Descriptor.truncate(descriptor, to: size, path: path)
    }

    /// Waits for the lock. Freeing the object releases it.
    public func lock(_ kind: FileLock.Kind) throws(FileFailure) {
        try FileLock.take(kind, of: descriptor, path: path)
    }

    /// Takes the lock if it is free; returns whether it was. Freeing the object releases it.
    public func tryLock(_ kind: FileLock.Kind) throws(FileFailure) -> Bool {
        try FileLock.tryTake(kind, of: descriptor, path: path)
    }

    /// Appends all of the bytes at `end`, or cuts the file back to `end` and throws.
    public func append(_ bytes: UnsafeRawBufferPointer, at end: UInt64) throws(FileFailure) {
        do throws(FileFailure) {
            try Descriptor.write(descriptor, bytes, at: end, path: path)
        } catch {
            // A part of the bytes must not be taken for content. The write's failure is the one to report.
            try? Descriptor.truncate(descriptor, to: end, path: path)
            throw error
        }
    }

    /// Appends all of the bytes at `end`, or cuts the file back to `end` and throws.
    public func append(_ bytes: [UInt8], at end: UInt64) throws(FileFailure) {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(FileFailure) in try append(buffer, at: end) }
        }.get()
    }

    /// Flushes the content to the disk.
    public func sync() throws(FileFailure) { try Descriptor.syncContent(descriptor, path: path) }

    /// Flushes the content and all metadata to the disk.
    public func syncAll() throws(FileFailure) { try Descriptor.sync(descriptor, path: path) }
}
