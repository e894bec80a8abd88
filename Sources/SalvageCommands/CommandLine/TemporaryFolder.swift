import Files
import Terminal

/// Temporary folders, accessible to their owner only. The command that makes one removes it.
enum TemporaryFolder {
    /// Creates a folder in `TMPDIR`, else in `/tmp`, and returns its path.
    static func make(_ name: String) throws -> String {
        let base = Environment.value("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        do throws(FileFailure) { return try Folders.makeTemporary(name, in: base) } catch {
            throw Failure(
                "no_temporary", "cannot create a temporary folder: \(error.reason)", path: base,
                hint: "set TMPDIR to a writable folder")
        }
    }

    /// Removes a folder with its content; links are not followed. What cannot be removed stays.
    static func remove(_ path: String) { _ = try? Folders.removeTree(path) }
}
