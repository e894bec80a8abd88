/// What a bundle holds.
public struct BundleReport: Sendable {
    /// The archive or folder.
    public internal(set) var target = ""
    /// The sessions' ids, in order.
    public internal(set) var sessions: [String] = []
    /// The number of the sessions' files.
    public internal(set) var files = 0
    /// Their logical size, in bytes.
    public internal(set) var bytes: UInt64 = 0
    /// The number of crashes.
    public internal(set) var crashes = 0
    /// The number of symbol files.
    public internal(set) var symbols = 0
    /// The number of places that redaction rules replaced; nil if none were applied.
    public internal(set) var redacted: UInt64?
    /// The number of dumps and other files left out because they cannot be redacted.
    public internal(set) var unredactable = 0
    /// The number of names that a rule would change and that are in the bundle all the same: ids of sessions, images, tags,
    /// locations, artifacts and paths of files.
    public internal(set) var unredactedNames = 0
    /// The number of links and devices that are listed only.
    public internal(set) var leftOut = 0
    /// What is damaged or could not be read; the rest is in the bundle.
    public internal(set) var faults: [StoreError] = []
}
