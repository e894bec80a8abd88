import Files
import Terminal

/// A temporary folder, accessible to its owner only. It is removed with its content when the object is freed.
final class TemporaryFolder {
    let path: String

    /// Creates a folder in `TMPDIR`, else in `/tmp`.
    ///
    /// - Parameter name: the beginning of its name.
    /// - Throws: ``StoreError`` with `noTemporaryFolder`.
    init(_ name: String) throws(StoreError) {
        let base = Environment.value("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        do throws(FileFailure) { path = try Folders.makeTemporary(name, in: base) } catch {
            throw StoreError(
                .noTemporaryFolder, "cannot create a temporary folder: \(error.reason)", path: base,
                hint: "set TMPDIR to a writable folder")
        }
    }

    // Links are not followed. What cannot be removed stays.
    deinit { _ = try? Folders.removeTree(path) }
}
