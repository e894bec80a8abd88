import Glibc
import Text

/// System calls on pack files: retried when interrupted, never short.
public enum PackFile {
    /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
    static func read(
        _ descriptor: Int32, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(PackError) -> Int {
        guard offset <= UInt64(Int.max) else { return 0 }
        var done = 0
        while done < buffer.count {
            let (position, overflow) = Int(offset).addingReportingOverflow(done)
            if overflow { break }
            let got = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, position)
            if got > 0 {
                done += got
            } else if got == 0 {
                break
            } else if errno != EINTR {
                throw .system(errno, "read the pack", offset: offset)
            }
        }
        return done
    }

    /// Writes all of `bytes` at `offset`.
    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PackError) {
        guard offset <= UInt64(Int.max) - UInt64(bytes.count) else {
            throw PackError(.tooLarge, "the pack grows beyond the largest file", offset: offset)
        }
        var done = 0
        while done < bytes.count {
            let wrote = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, Int(offset) + done)
            if wrote > 0 {
                done += wrote
            } else if wrote == 0 {
                throw .system(EIO, "write the pack", offset: offset)
            } else if errno != EINTR {
                throw .system(errno, "write the pack", offset: offset)
            }
        }
    }

    /// Writes bytes that are not part of the pack after its end, at `offset`.
    public static func append(_ bytes: [UInt8], to descriptor: Int32, at offset: UInt64) throws(PackError) {
        try bytes.withUnsafeBytes { raw in
            Result { () throws(PackError) in try write(descriptor, raw, at: offset) }
        }.get()
    }

    /// Cuts off and returns the bytes after the first `size` bytes of a file.
    /// - Throws: `PackError` when the file is shorter, or more than `limit` bytes follow.
    public static func takeTail(
        _ descriptor: Int32, behind size: UInt64, limit: Int
    ) throws(PackError) -> [UInt8] {
        let whole = try Self.size(descriptor)
        guard size <= whole, whole - size <= UInt64(limit) else {
            throw PackError(
                .misuse, "a file of \(counted(whole, "byte")) does not contain a pack of \(size) and a short tail")
        }
        var tail = [UInt8](repeating: 0, count: Int(whole - size))
        let got = try tail.withUnsafeMutableBytes { raw in
            Result { () throws(PackError) in try read(descriptor, at: size, into: raw) }
        }.get()
        guard got == tail.count else { throw PackError(.io, "the file became shorter") }
        if ftruncate(descriptor, off_t(size)) != 0 { throw .system(errno, "truncate the pack's file") }
        return tail
    }

    /// Size in bytes of the open file.
    static func size(_ descriptor: Int32) throws(PackError) -> UInt64 {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .system(errno, "read the pack's size") }
        return UInt64(max(0, info.st_size))
    }

    /// Creates `path` for a new pack, with mode 0600; fails if the file exists.
    public static func create(path: String) throws(PackError) -> Int32 {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw .system(errno, "create the pack", path: path) }
        }
    }
}
