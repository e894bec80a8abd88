/// The names of the files of a bundle. `docs/handover.md` describes the format.
///
/// Where several files belong together, the one that describes the others has the name that sorts first: entries of an
/// archive are sorted, and of a truncated bundle the description is there before the content.
enum BundleFormat {
    /// The format's name in the list of sessions.
    static let name = "salvage-bundle"
    /// The version that this program writes, and the highest that it reads.
    static let version: Int64 = 1
    /// The list of sessions.
    static let index = "bundle.json"
    /// What the bundle is, for people.
    static let readme = "README.txt"
    /// The folder of the sessions' folders.
    static let sessions = "sessions"
    /// The folder of the symbols, in the layout of a symbol store.
    static let symbols = "symbols"
    /// In a session's folder: its description.
    static let session = "session.json"
    /// In a session's folder: its crashes, one JSON object a line.
    static let crashes = "crash.json"
    /// In a session's folder: its crashes as text.
    static let crashText = "crash.txt"
    /// In a session's folder: programs and libraries by name, for debuggers.
    static let libraries = "lib"
    /// In a session's folder: its files.
    static let stored = "stored"

    /// The largest list of sessions and the largest description of a session, in bytes.
    static let mostBytes = 16 << 20
    /// The most sessions in a bundle.
    static let mostSessions = 10_000
}
