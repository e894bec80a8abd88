import Digest
import Files
import Glibc
import JSON

/// What is known of a local copy of a symbol file: its content, as it was when it was checked, and when it was last used,
/// which is the time of the file that says so.
struct SymbolCopy: Equatable {
    /// The SHA-256 of the content, in lower-case hex.
    var sha256: String
    /// The file's size when it was checked.
    var size: UInt64
    /// The file's inode number then.
    var inode: UInt64
    /// The file's time of change then, in nanoseconds since 1970.
    var modified: Int64

    /// The longest text.
    private static let largest = 4096

    /// Describes an open file whose content was checked.
    init(sha256: String, _ file: OpenFile) throws(FileFailure) {
        self.sha256 = sha256
        size = try file.size
        inode = try FileIdentity(of: file.descriptor).inode
        modified = try file.modified
    }

    /// Whether an open file is still the one that was checked.
    func describes(_ file: OpenFile) throws(FileFailure) -> Bool {
        try self == SymbolCopy(sha256: sha256, file)
    }

    /// Reads a note; nil if there is none that can be used. The file is then checked again.
    init?(at place: String) {
        guard let file = try? OpenFile(place, O_RDONLY | O_NONBLOCK | O_NOCTTY),
            let bytes = try? file.rest(limit: Self.largest), let value = try? JSONValue(parsing: bytes),
            let sha256 = value["sha256"]?.string, let size = value["size"]?.int64,
            let inode = value["inode"]?.int64, let modified = value["modified"]?.int64
        else { return nil }
        (self.sha256, self.modified) = (sha256, modified)
        (self.size, self.inode) = (UInt64(clamping: size), UInt64(bitPattern: inode))
    }

    /// Writes the note, which counts as a use.
    func write(to place: String) throws(FileFailure) {
        var line = JSONLine()
        line.add("sha256", sha256)
        line.add("size", size)
        line.add("inode", Int64(bitPattern: inode))
        line.add("modified", modified)
        try Replacement.write(
            line.utf8 + [0x0A], to: place, temporary: "\(place).\(getpid()).\(pthread_self()).part", syncsFolder: false)
    }
}

extension FileCopy {
    private static let block = 1 << 20

    /// Reads an open file from its beginning to its end; returns its size and SHA-256.
    static func sha256(of file: OpenFile) throws(FileFailure) -> (size: UInt64, sha256: [UInt8]) {
        var hasher = SHA256Hasher()
        var size: UInt64 = 0
        while true {
            let piece = try file.read(at: size, count: block)
            if piece.isEmpty { break }
            piece.withUnsafeBytes { hasher.update($0) }
            size += UInt64(piece.count)
        }
        return (size, hasher.finish())
    }
}
