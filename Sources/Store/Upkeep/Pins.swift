import Catalog
import Files
import Glibc
public import Model
import Pack

/// Sessions that prune must keep: one empty file each in `<store>/pins/`, named like the pack, so that pins outlive the
/// catalog.
struct Pins {
    private let folder: String
    private let names: Set<String>

    /// Reads the pins. Only a missing folder means that there are none: if a folder that cannot be read meant that too,
    /// prune would remove pinned sessions.
    ///
    /// - Throws: `FileFailure` when the folder cannot be read now.
    init(store: String) throws(FileFailure) {
        folder = store + "/pins"
        let entries = try OpenFolder(ifPresent: folder)?.entries() ?? []
        names = Set(entries.map(\.name).filter { !$0.hasPrefix(".") })
    }

    func holds(_ session: String) -> Bool { names.contains(PackPath.escaped(session)) }

    fileprivate func add(_ session: String) throws {
        try StoreFolder.make(folder)
        let path = folder + "/" + PackPath.escaped(session)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw refusal("be pinned", session, path) }
        close(descriptor)
        sync()
    }

    fileprivate func remove(_ session: String) throws {
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
            .pinFailed, "the session cannot \(words): \(String(cString: strerror(errno)))", session: session,
            path: path)
    }
}

extension Store {
    /// Calls `body` with each pinned session. `body` must not use this store.
    ///
    /// - Throws: `CatalogError`, `FileFailure` if the pins cannot be read now, or what the closure throws.
    public func forEachPinnedSession(_ body: (SessionRecord) throws -> Void) throws {
        let pins = try Pins(store: path)
        try catalog().forEachSession { session in
            if pins.holds(session.session) { try body(session) }
        }
    }

    /// Exempts sessions from the retention rules, or no longer. Nothing changes if one of the sessions does not exist.
    ///
    /// - Parameters:
    ///   - ids: ids of sessions or unique prefixes.
    ///   - isPinned: whether the sessions are pinned or unpinned.
    ///   - done: takes the id of each session once it is pinned or unpinned.
    /// - Throws: `CatalogError`, ``StoreError`` with `pinFailed`, or what the closure throws.
    public func setPinned(_ ids: [String], _ isPinned: Bool, done: (String) throws -> Void) throws {
        let pins = try Pins(store: path)
        for id in try ids.map({ try catalog().resolve($0) }) {
            try isPinned ? pins.add(id) : pins.remove(id)
            try done(id)
        }
    }
}
