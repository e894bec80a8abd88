import Pack

/// A pack of a session that has another one: no query finds what it holds.
enum SecondPack {
    /// What to do so that both become one.
    ///
    /// - Parameter path: relative to the store.
    static func hint(_ path: String, of session: String) -> String {
        let next = "the session's next ingest takes it in: salvage ingest --session SESSION FILE, or a harvest of it"
        guard !PackPath.isPlace(path, of: session) else { return next }
        let name = PackPath.second(PackPath.fileName(session: session), 1)
        return "rename it to \(name), in the folder of a day that has no file of that name; then " + next
    }
}
