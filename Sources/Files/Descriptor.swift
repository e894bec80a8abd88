internal import CFiles
internal import Glibc

/// Calls on an open descriptor: retried when a signal interrupts them, and never short. `path` is for messages only.
public enum Descriptor {
    /// Opens a file with the flags of open(2), following links; O_CLOEXEC is added. The caller closes the descriptor.
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(FileFailure) -> Int32 {
        while true {
            let descriptor = Glibc.open(path, flags | O_CLOEXEC, mode)
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw .last("open", path) }
        }
    }

    // MARK: At an offset

    /// Reads from an offset until the buffer is full or the file ends; returns the number of bytes read.
    public static func read(
        _ descriptor: Int32, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer, path: String = ""
    ) throws(FileFailure) -> Int {
        var done = 0
        while done < buffer.count {
            guard let place = off_t(exactly: offset).flatMap({ sum($0, done) }) else { break }
            let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, place)
            if count < 0 {
                if errno == EINTR { continue }
                // The kernel refuses ranges that end beyond the largest offset; no file has bytes there.
                if errno == EINVAL || errno == EOVERFLOW, sum(place, buffer.count - done) == nil { break }
                throw .last("pread", path)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads at most `count` bytes from an offset; fewer only at the end of the file.
    public static func read(
        _ descriptor: Int32, at offset: UInt64, count: Int, path: String = ""
    ) throws(FileFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(FileFailure) in try read(descriptor, at: offset, into: buffer, path: path) }
        }
        bytes.removeLast(bytes.count - (try outcome.get()))
        return bytes
    }

    /// Writes all of the bytes at an offset.
    public static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64, path: String = ""
    ) throws(FileFailure) {
        var done = 0
        while done < bytes.count {
            guard let place = off_t(exactly: offset).flatMap({ sum($0, done) }) else {
                throw FileFailure("pwrite", path, errno: EFBIG)
            }
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, place)
            done += try progress(count, "pwrite", path)
        }
    }

    /// Writes all of the bytes at an offset.
    public static func write(
        _ descriptor: Int32, _ bytes: [UInt8], at offset: UInt64, path: String = ""
    ) throws(FileFailure) {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(FileFailure) in try write(descriptor, buffer, at: offset, path: path) }
        }.get()
    }

    // MARK: At the descriptor's own position

    /// Reads the next bytes, at least one unless the file or pipe has ended; returns their number.
    public static func next(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, path: String = ""
    ) throws(FileFailure) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw .last("read", path) }
        }
    }

    /// Reads the next bytes, at most `most`; empty when the file or pipe has ended.
    public static func next(_ descriptor: Int32, atMost most: Int, path: String = "") throws(FileFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: most)
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(FileFailure) in try next(descriptor, into: buffer, path: path) }
        }
        bytes.removeLast(most - (try outcome.get()))
        return bytes
    }

    /// Reads all that is left, of a file or a pipe; fails with `EOVERFLOW` when that is more than `limit` bytes.
    public static func rest(_ descriptor: Int32, limit: Int, path: String = "") throws(FileFailure) -> [UInt8] {
        let bytes = try rest(descriptor, atMost: limit < .max ? limit + 1 : limit, path: path)
        guard bytes.count <= limit else { throw FileFailure("read", path, errno: EOVERFLOW) }
        return bytes
    }

    /// Reads what is left, of a file or a pipe, but at most `most` bytes.
    public static func rest(_ descriptor: Int32, atMost most: Int, path: String = "") throws(FileFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(64 << 10, max(0, most)))
        while bytes.count < most {
            let room = min(chunk.count, most - bytes.count)
            let outcome = chunk.withUnsafeMutableBytes { buffer in
                Result { () throws(FileFailure) in
                    try next(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]), path: path)
                }
            }
            let count = try outcome.get()
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Writes all of the bytes.
    public static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, path: String = ""
    ) throws(FileFailure) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            done += try progress(count, "write", path)
        }
    }

    /// Writes all of the bytes.
    public static func write(_ descriptor: Int32, _ bytes: [UInt8], path: String = "") throws(FileFailure) {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(FileFailure) in try write(descriptor, buffer, path: path) }
        }.get()
    }

    /// Copies from the position of one descriptor to that of another until the source ends; returns the number of bytes.
    /// The failure's path tells which of them failed.
    ///
    /// - Parameter piece: called with the bytes of each piece once it is written.
    @discardableResult
    public static func copy(
        _ source: Int32, _ path: String, to target: Int32, _ targetPath: String,
        piece: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(FileFailure) -> UInt64 {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var total: UInt64 = 0
        while true {
            let count = try next(source, into: buffer, path: path)
            if count == 0 { return total }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            try write(target, bytes, path: targetPath)
            piece(bytes)
            total += UInt64(count)
        }
    }

    // MARK: The whole file

    /// Returns the size of the file in bytes.
    public static func size(_ descriptor: Int32, path: String = "") throws(FileFailure) -> UInt64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .last("fstat", path) }
        return UInt64(max(0, facts.st_size))
    }

    /// Cuts the file, or extends it with a hole.
    public static func truncate(_ descriptor: Int32, to size: UInt64, path: String = "") throws(FileFailure) {
        while ftruncate(descriptor, off_t(clamping: size)) != 0 {
            if errno != EINTR { throw .last("ftruncate", path) }
        }
    }

    /// Flushes content and metadata to the disk. A failure is final: the kernel may have dropped the pages, so the file
    /// must be written again from its source.
    public static func sync(_ descriptor: Int32, path: String = "") throws(FileFailure) {
        guard fsync(descriptor) == 0 else { throw .last("fsync", path) }
    }

    /// Flushes the content, and the size if it grew, to the disk. A failure is final, as of ``sync(_:path:)``.
    public static func syncContent(_ descriptor: Int32, path: String = "") throws(FileFailure) {
        guard fdatasync(descriptor) == 0 else { throw .last("fdatasync", path) }
    }

    /// Creates an anonymous file in memory, which the caller closes; `name` is shown in `/proc`.
    public static func inMemory(_ name: String) throws(FileFailure) -> Int32 {
        let descriptor = salvage_memfd(name)
        guard descriptor >= 0 else { throw .last("memfd_create", name) }
        return descriptor
    }

    // MARK: -

    private static func progress(_ count: Int, _ call: String, _ path: String) throws(FileFailure) -> Int {
        if count > 0 { return count }
        if count == 0 { throw FileFailure(call, path, errno: EIO) }
        guard errno == EINTR else { throw .last(call, path) }
        return 0
    }

    private static func sum(_ offset: off_t, _ done: Int) -> off_t? {
        let (place, overflow) = offset.addingReportingOverflow(off_t(done))
        return overflow ? nil : place
    }
}
