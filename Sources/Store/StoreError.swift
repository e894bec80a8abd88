/// An error of a store: what failed, on which session and path, why, and what to do next.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// A stable name for scripts: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public var rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The location is of a kind that this build cannot open.
        public static let unsupportedStore = Code(rawValue: "unsupported_store")
        /// The session does not exist, or no longer.
        public static let sessionNotFound = Code(rawValue: "session_not_found")
        /// Nothing was collected from the session.
        public static let noPack = Code(rawValue: "no_pack")
        /// The session's pack was pruned.
        public static let pruned = Code(rawValue: "pruned")
        /// The pack cannot be read.
        public static let packUnreadable = Code(rawValue: "pack_unreadable")
        /// A part of the pack is damaged.
        public static let damaged = Code(rawValue: "damaged")
        /// The path means several members.
        public static let ambiguousPath = Code(rawValue: "ambiguous_path")
        /// No member has the path.
        public static let memberNotFound = Code(rawValue: "member_not_found")
        /// The member is a link without content.
        public static let isLink = Code(rawValue: "is_link")
        /// The session has no such crash.
        public static let crashNotFound = Code(rawValue: "crash_not_found")
        /// The text means several crashes.
        public static let ambiguousCrash = Code(rawValue: "ambiguous_crash")
        /// There is no session to work on: no session has the tag, or a folder has no sub-folders.
        public static let noSessions = Code(rawValue: "no_sessions")
        /// The session has no log.
        public static let noLogs = Code(rawValue: "no_logs")
        /// The session is running and its log is not followed.
        public static let notFollowed = Code(rawValue: "not_followed")
        /// A followed log cannot be read.
        public static let followedLogUnreadable = Code(rawValue: "followed_log_unreadable")
        /// A followed log was replaced by another.
        public static let logDiffers = Code(rawValue: "log_differs")
        /// A session could not be pinned or unpinned.
        public static let pinFailed = Code(rawValue: "pin_failed")
        /// A file or folder of the store could not be created or written.
        public static let storeFailed = Code(rawValue: "store_failed")
        /// A pack could not be removed.
        public static let pruneFailed = Code(rawValue: "prune_failed")
        /// A part of the store cannot be read now.
        public static let unreadableNow = Code(rawValue: "unreadable_now")
        /// A search of a shared store would read more than anybody waits for.
        public static let searchTooLarge = Code(rawValue: "search_too_large")
        /// No member matches.
        public static let nothingMatches = Code(rawValue: "nothing_matches")
        /// The folder to export to is not empty.
        public static let notEmpty = Code(rawValue: "not_empty")
        /// The file to write exists.
        public static let exists = Code(rawValue: "exists")
        /// Too many members have the same name.
        public static let nameTaken = Code(rawValue: "name_taken")
        /// A file could not be written.
        public static let exportFailed = Code(rawValue: "export_failed")
        /// The bundle could not be written.
        public static let bundleFailed = Code(rawValue: "bundle_failed")
        /// A file is not a bundle, or its list of sessions cannot be used.
        public static let badBundle = Code(rawValue: "bad_bundle")
        /// A bundle does not hold all of a session.
        public static let bundleIncomplete = Code(rawValue: "bundle_incomplete")
        /// A symbol server could not be asked, or its answer was refused.
        public static let symbolServer = Code(rawValue: "symbol_server")
        /// The request is wrong.
        public static let usage = Code(rawValue: "usage")
        /// A file or folder cannot be read.
        public static let unreadable = Code(rawValue: "unreadable")
        /// A call on a file or folder failed.
        public static let fileFailed = Code(rawValue: "io")
        /// A file is larger than allowed.
        public static let tooLarge = Code(rawValue: "too_large")
        /// A file is not UTF-8 text.
        public static let notText = Code(rawValue: "not_text")
        /// A session's metadata file is not valid.
        public static let badMetadata = Code(rawValue: "bad_metadata")
        /// The API says that the session was created at another time.
        public static let createdDiffers = Code(rawValue: "created_differs")
        /// A temporary folder could not be created.
        public static let noTemporaryFolder = Code(rawValue: "no_temporary")
        /// None of the crashes has a core dump.
        public static let noCore = Code(rawValue: "no_core")
        /// A core is stored compressed, so a debugger cannot read it.
        public static let compressedCore = Code(rawValue: "compressed_core")
        /// No debugger is installed, or it cannot be started.
        public static let noDebugger = Code(rawValue: "no_gdb")
        /// The parent of the backup folder does not exist.
        public static let backupFolderMissing = Code(rawValue: "backup_folder_missing")
        /// A backup cannot be read now.
        public static let backupUnreadable = Code(rawValue: "backup_unreadable")
        /// Another backup to the folder is running.
        public static let backupLocked = Code(rawValue: "backup_locked")
        /// The folder has no complete backup.
        public static let backupMissing = Code(rawValue: "backup_missing")
        /// The backup's list of files is damaged.
        public static let backupDamaged = Code(rawValue: "backup_damaged")
        /// A later version of salvage wrote the backup.
        public static let backupNewer = Code(rawValue: "backup_newer")
        /// The store changed faster than it could be copied.
        public static let storeBusy = Code(rawValue: "store_busy")
        /// A copy differs from what was written.
        public static let copyDiffers = Code(rawValue: "copy_differs")
        /// The disk is full.
        public static let noSpace = Code(rawValue: "no_space")
        /// A file could not be copied.
        public static let copyFailed = Code(rawValue: "copy_failed")
        /// The store to restore into is not empty.
        public static let storeNotEmpty = Code(rawValue: "store_not_empty")
        /// A catalog was set aside during a restore.
        public static let catalogSetAside = Code(rawValue: "catalog_set_aside")
        /// This machine's folder of a shared store cannot be used: it is not known, or others can read it.
        public static let cacheRefused = Code(rawValue: "cache_refused")
        /// Nothing says where the packs of a shared store are.
        public static let bucketUnknown = Code(rawValue: "bucket_unknown")
        /// A harvester, or another process, works on the session.
        public static let sessionClaimed = Code(rawValue: "session_claimed")
        /// The command is not for shared stores.
        public static let notForShared = Code(rawValue: "not_for_shared")
        /// Any other error.
        public static let unexpected = Code(rawValue: "unexpected")
    }

    /// What kind of error it is; it decides a program's exit code or a server's status.
    public enum Kind: Sendable, Hashable {
        /// What was asked for does not exist.
        case notFound
        /// The request is wrong or means several things.
        case invalid
        /// Stored data is damaged or lost; the rest was returned.
        case partial
        /// A later try may succeed.
        case tryAgain
        /// The operation failed.
        case failed
    }

    /// The stable name.
    public var code: Code
    /// What failed and why, one sentence.
    public var message: String
    /// The session concerned, if any.
    public var session: String?
    /// The file, pack or member concerned, if any.
    public var path: String?
    /// What to do next, if that is known.
    public var hint: String?
    /// What kind of error it is.
    public var kind: Kind

    /// Creates an error.
    public init(
        _ code: Code, _ message: String, session: String? = nil, path: String? = nil, hint: String? = nil,
        kind: Kind = .failed
    ) {
        self.code = code
        self.message = message
        self.session = session
        self.path = path
        self.hint = hint
        self.kind = kind
    }

    /// The message with the path.
    public var description: String { path.map { "\(message) (\($0))" } ?? message }
}
