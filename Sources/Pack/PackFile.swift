import Files
import Glibc
import Text

/// System calls on pack files: retried when interrupted, never short.
public enum PackFile {
    /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
    static func read(
        _ descriptor: Int32, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(PackError) -> Int {
        do throws(FileFailure) {
            return try Descriptor.read(descriptor, at: offset, into: buffer)
        } catch {
            throw PackError(error, "read the pack", offset: offset)
        }
    }

    /// Writes all of `bytes` at `offset`.
    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PackError) {
        guard offset <= UInt64(Int.max) - UInt64(bytes.count) else {
            throw PackError(.tooLarge, "the pack grows beyond the largest file", offset: offset)
        }
        do throws(FileFailure) {
            try Descriptor.write(descriptor, bytes, at: offset)
        } catch {
            throw PackError(error, "write the pack", offset: offset)
        }
    }

    /// Writes bytes at the start of a file that accompanies a pack, such as the record of its filters.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) throws(PackError) {
        try bytes.withUnsafeBytes { raw in
            Result { () throws(PackError) in try write(descriptor, raw, at: 0) }
        }.get()
    }

    /// Returns the whole content of such a file; nil when it is longer than `limit` bytes.
    public static func content(of descriptor: Int32, limit: Int) throws(PackError) -> [UInt8]? {
        let size = try Self.size(descriptor)
        guard size <= UInt64(limit) else { return nil }
        var content = [UInt8](repeating: 0, count: Int(size))
        let got = try content.withUnsafeMutableBytes { raw in
            Result { () throws(PackError) in try read(descriptor, at: 0, into: raw) }
        }.get()
        guard got == content.count else { throw PackError(.io, "the file became shorter") }
        return content
    }

    /// Size in bytes of the open file.
    static func size(_ descriptor: Int32) throws(PackError) -> UInt64 {
        do throws(FileFailure) { return try Descriptor.size(descriptor) } catch {
            throw PackError(error, "read the pack's size")
        }
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
