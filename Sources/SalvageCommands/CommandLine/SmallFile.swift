import Glibc
import Terminal

/// Reads files that fit in memory.
enum SmallFile {
    /// Returns the file, or standard input for `-`, as text. Throws if it cannot be read, is larger than `limit` bytes or
    /// is not UTF-8; the error calls the file `what`.
    static func text(_ path: String, limit: Int, what: String) throws -> String {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Failure("unreadable", "cannot read \(what): \(String(cString: strerror(errno)))", path: path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else {
                throw Failure("unreadable", "cannot read \(what): \(String(cString: strerror(errno)))", path: path)
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        guard bytes.count <= limit else {
            throw Failure("too_large", "\(what) is larger than \(SizeText.binary(UInt64(limit)))", path: path)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("not_text", "\(what) is not UTF-8 text", path: path)
        }
        return text
    }
}
