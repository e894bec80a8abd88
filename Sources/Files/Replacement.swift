internal import Glibc

/// Writes small files whole: a reader finds the old content or the new, never a part.
public enum Replacement {
    /// Replaces the content of the file at `path`: writes `temporary`, syncs it and renames it. An interrupted call leaves
    /// at most `temporary`, which the next one removes.
    ///
    /// - Parameters:
    ///   - temporary: a path in the same folder; by default `path` with the suffix `.part`.
    ///   - mode: the permissions of the new file.
    ///   - syncsFolder: whether the new content must survive a power cut that follows at once.
    public static func write(
        _ bytes: [UInt8], to path: String, temporary: String? = nil, mode: UInt32 = 0o600, syncsFolder: Bool = true
    ) throws(FileFailure) {
        let temporary = temporary ?? path + ".part"
        do throws(FileFailure) {
            // A file left by an interrupted call may have another mode or owner.
            unlink(temporary)
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try file.write(bytes)
            try file.syncAll()
            guard rename(temporary, path) == 0 else { throw .last("rename", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        if syncsFolder { try Folders.sync(Folders.split(path).folder) }
    }
}
