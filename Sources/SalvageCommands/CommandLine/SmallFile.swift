import Files
import Glibc
import Terminal

/// Reads files that fit in memory.
enum SmallFile {
    /// Returns the file, or standard input for `-`, as text. Throws if it cannot be read, is larger than `limit` bytes or
    /// is not UTF-8; the error calls the file `what`.
    static func text(_ path: String, limit: Int, what: String) throws -> String {
        let bytes: [UInt8]
        do throws(FileFailure) {
            let isInput = path == "-"
            let descriptor = isInput ? STDIN_FILENO : try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
            defer { if !isInput { close(descriptor) } }
            bytes = try Descriptor.rest(descriptor, limit: limit)
        } catch {
            if error.errno == EOVERFLOW {
                throw Failure("too_large", "\(what) is larger than \(SizeText.binary(UInt64(limit)))", path: path)
            }
            throw Failure("unreadable", "cannot read \(what): \(error.reason)", path: path)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("not_text", "\(what) is not UTF-8 text", path: path)
        }
        return text
    }
}
