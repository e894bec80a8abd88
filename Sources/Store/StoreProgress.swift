/// How far a long operation has come.
public enum StoreProgress: Sendable, Equatable {
    /// A pack is being verified: its number, from 1, and the number of all packs.
    case verifying(pack: Int, of: Int)
    /// Packs were indexed: how many, and the number of all packs.
    case reindexing(packs: Int, of: Int)
    /// Packs were removed: of how many sessions, and their size in bytes.
    case pruned(sessions: Int, bytes: UInt64)
    /// A member is being exported: its number, from 1, and the number of all members.
    case exporting(member: Int, of: Int)
    /// A session is being written into a bundle: its number, from 1, and the number of all sessions.
    case bundling(session: Int, of: Int)
    /// A bundle is being compressed.
    case compressing
    /// A bundle's content is being read.
    case unpacking(path: String)
    /// A session of a bundle is being ingested: its number, from 1, and the number of all sessions.
    case ingesting(session: Int, of: Int)
    /// A symbol server is asked for a build id: its number, from 1, and the number of all build ids.
    case asking(buildID: String, number: Int, of: Int)
    /// A member is being extracted: its path, which comes from the container, and its size in bytes.
    case extracting(path: String, bytes: UInt64)
    /// The symbols at a path are being added.
    case addingSymbols(path: String)
    /// The crashes of a session are being symbolicated: its number, from 1, and the number of all sessions.
    case symbolicating(session: Int, of: Int)
    /// Crashes were signed: how many so far.
    case signing(crashes: Int)
    /// The catalog is being copied into a backup.
    case copyingCatalog
    /// A file is copied next: the files in the backup so far, the bytes copied so far, and the path of the next file.
    case copying(files: Int, bytes: UInt64, path: String)
    /// Copies are being written to the disk.
    case syncing
    /// A copy is being read back: its number, from 1, and the number of all copies.
    case readingBack(copy: Int, of: Int)
    /// A file of a backup is being read: its number, from 1, and the number of all files.
    case reading(file: Int, of: Int)
    /// A file is being restored: its number, from 1, the number of all files, the bytes restored before it, and all bytes.
    case restoring(file: Int, of: Int, bytes: UInt64, ofBytes: UInt64)
    /// Sessions are being copied to another store: how many were compared, and the packs copied so far and their size in
    /// bytes.
    case migrating(sessions: Int, packs: Int, bytes: UInt64)
}
