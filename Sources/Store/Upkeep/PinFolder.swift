import Files
import Glibc
import Pack

/// The pins of an embedded store: one empty file each in `<store>/pins/`, named like the pack, so that pins outlive the
/// catalog.
struct PinFolder {
    private let folder: String

    init(store: String) { folder = store + "/pins" }

    /// The names of the files; none only if the folder is missing.
    ///
    /// - Throws: `FileFailure` when the folder cannot be read now.
    func names() throws(FileFailure) -> [String] {
        let entries = try OpenFolder(ifPresent: folder)?.entries() ?? []
        return entries.map(\.name).filter { !$0.hasPrefix(".") }
    }

    /// Pins a session.
    func add(_ session: String) throws(StoreError) {
        try StoreFolder.make(folder)
        let path = folder + "/" + PackPath.escaped(session)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw refusal("be pinned", session, path) }
        close(descriptor)
        sync()
    }

    /// Unpins a session.
    func remove(_ session: String) throws(StoreError) {
        let path = folder + "/" + PackPath.escaped(session)
        guard unlink(path) == 0 || errno == ENOENT else { throw refusal("be unpinned", session, path) }
        sync()
    }

    private func sync() {
        // A pin that a power cut takes back is made again by its user; refusing it would help nobody.
        try? Folders.sync(folder)
    }

    private func refusal(_ words: String, _ session: String, _ path: String) -> StoreError {
        StoreError(
            .pinFailed, "the session cannot \(words): \(FileFailure.reason(errno))", session: session, path: path)
    }
}
