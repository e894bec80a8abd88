import Files
import Glibc
import Terminal

/// Reads text files that fit in memory.
package enum TextFile {
    /// Returns the file, or standard input for `-`, as text.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - limit: the greatest size, in bytes.
    ///   - what: what the error calls the file.
    /// - Throws: ``StoreError`` with `unreadable`, `tooLarge`, or `notText` if it is not UTF-8.
    package static func read(_ path: String, limit: Int, what: String) throws(StoreError) -> String {
        let bytes: [UInt8]
        do throws(FileFailure) {
            bytes = try path == "-" ? Descriptor.rest(STDIN_FILENO, limit: limit) : content(path, limit)
        } catch {
            guard error.errno == EOVERFLOW else {
                throw StoreError(.unreadable, "cannot read \(what): \(error.reason)", path: path)
            }
            throw StoreError(.tooLarge, "\(what) is larger than \(SizeText.binary(UInt64(limit)))", path: path)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StoreError(.notText, "\(what) is not UTF-8 text", path: path)
        }
        return text
    }

    private static func content(_ path: String, _ limit: Int) throws(FileFailure) -> [UInt8] {
        // Without O_NONBLOCK, opening a FIFO that nobody writes would wait forever.
        let descriptor = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        // Reads wait for the writer of a pipe, such as one that a shell made for <(…).
        _ = fcntl(descriptor, F_SETFL, O_RDONLY)
        return try Descriptor.rest(descriptor, limit: limit, path: path)
    }
}
