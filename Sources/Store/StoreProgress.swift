/// How far a long operation has come.
public enum StoreProgress: Sendable, Equatable {
    /// This pack of so many is being verified.
    case verifying(pack: Int, of: Int)
    /// So many packs of all are indexed.
    case reindexing(packs: Int, of: Int)
    /// The packs of so many sessions were removed, and their bytes.
    case pruned(sessions: Int, bytes: UInt64)
    /// This member of so many is being exported.
    case exporting(member: Int, of: Int)
    /// The symbols at a path are being added.
    case addingSymbols(path: String)
    /// The crashes of this session of so many are being symbolicated.
    case symbolicating(session: Int, of: Int)
    /// So many crashes were signed.
    case signing(crashes: Int)
    /// The catalog is being copied into a backup.
    case copyingCatalog
    /// So many files are in the backup, so many bytes were copied, and this file is next.
    case copying(files: Int, bytes: UInt64, path: String)
    /// Copies are being written to the disk.
    case syncing
    /// This copy of so many is being read back.
    case readingBack(copy: Int, of: Int)
    /// This file of so many in a backup is being read.
    case reading(file: Int, of: Int)
    /// This file of so many is being restored; so many bytes of all were restored before it.
    case restoring(file: Int, of: Int, bytes: UInt64, ofBytes: UInt64)
}
