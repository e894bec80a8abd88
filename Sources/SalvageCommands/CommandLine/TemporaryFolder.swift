import Glibc
import Terminal

/// Temporary folders, accessible to their owner only. The command that makes one removes it.
enum TemporaryFolder {
    /// Creates a folder in `TMPDIR`, else in `/tmp`, and returns its path.
    static func make(_ name: String) throws -> String {
        let base = Environment.value("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array((base + "/" + name + ".XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else {
            throw Failure(
                "no_temporary", "cannot create a temporary folder: \(String(cString: strerror(errno)))", path: base,
                hint: "set TMPDIR to a writable folder")
        }
        return String(cString: made)
    }

    /// Removes a folder with its content; links are not followed.
    static func remove(_ path: String) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        if let handle = opendir(path) {
            var names: [String] = []
            while let entry = readdir(handle) {
                names.append(
                    withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                )
            }
            closedir(handle)
            for name in names where name != "." && name != ".." { remove(path + "/" + name) }
        }
        rmdir(path)
    }
}
