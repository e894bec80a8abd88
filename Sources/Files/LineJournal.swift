internal import Glibc

/// A file of lines that is only appended to, and replaced by a shorter one by rename when it has grown. One process writes
/// it, others may read it. A last line without a newline is what an interrupted write left.
public final class LineJournal {
    /// The file's path.
    public let path: String
    private var file: OpenFile
    private var end: UInt64
    private var rewriteAt: UInt64
    private let rewriteFrom: UInt64

    /// Opens the file for writing; creates it and its folder if they are missing.
    ///
    /// - Parameter rewriteFrom: the size in bytes from which the file should be replaced, see ``wantsRewrite``.
    public init(_ path: String, rewriteFrom: UInt64) throws(FileFailure) {
        self.path = path
        self.rewriteFrom = rewriteFrom
        try Folders.make(Folders.split(path).folder)
        file = try OpenFile(path, O_RDWR | O_CREAT)
        try Folders.sync(Folders.split(path).folder)
        end = try file.size
        rewriteAt = rewriteFrom
    }

    /// Reads the whole file; fails with `EOVERFLOW` if it is larger than `limit` bytes. Call it once, before anything else.
    public func load(limit: Int) throws(FileFailure) -> [UInt8] { try file.rest(limit: limit) }

    /// Cuts the file to `length` bytes, the end of its last whole line, and appends from there.
    public func begin(at length: Int) throws(FileFailure) {
        if end > UInt64(length) { try file.truncate(to: UInt64(length)) }
        end = UInt64(length)
    }

    /// Appends lines, given without newlines, and waits until they are on the disk.
    public func append(_ lines: [[UInt8]]) throws(FileFailure) {
        let bytes = Self.bytes(lines)
        try file.append(bytes, at: end)
        try file.sync()
        end &+= UInt64(bytes.count)
    }

    /// Whether the file has grown so much that it should be replaced.
    public var wantsRewrite: Bool { end > rewriteAt }

    /// Replaces the content by these lines, by rename. After a failure the old content is still there.
    public func rewrite(_ lines: [[UInt8]]) throws(FileFailure) {
        let bytes = Self.bytes(lines)
        try Replacement.write(bytes, to: path)
        file = try OpenFile(path, O_RDWR)
        end = UInt64(bytes.count)
        rewriteAt = max(rewriteFrom, end &* 4)
    }

    /// Reads a file without changing it; nil if there is none.
    public static func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8]? {
        let file: OpenFile
        do throws(FileFailure) { file = try OpenFile(path, O_RDONLY) } catch {
            if error.isAbsence { return nil }
            throw error
        }
        return try file.rest(limit: limit)
    }

    /// The whole lines of a file, without their newlines; pure.
    public static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while let newline = bytes[start...].firstIndex(of: 0x0A) {
            lines.append(bytes[start..<newline])
            start = newline + 1
        }
        return lines
    }

    private static func bytes(_ lines: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for line in lines { bytes += line + [0x0A] }
        return bytes
    }
}
