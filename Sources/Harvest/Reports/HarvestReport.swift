import Catalog
public import Model

public import struct SessionAPI.DamagedEntry

/// The counts of a running harvest.
public struct HarvestProgress: Sendable, Hashable {
    /// Sessions seen for the first time or known from the ledger.
    public var seen = 0
    /// Sessions believed to be running.
    public var running = 0
    /// Sessions that ended and are not done.
    public var pending = 0
    /// Downloads in flight.
    public var downloading = 0
    /// Ingests in progress.
    public var ingesting = 0
    /// Sessions done in this run, by state.
    public var done: [SessionState: Int] = [:]
    /// Bytes downloaded in this run.
    public var bytes: UInt64 = 0
    /// Requests answered with 429 or 503.
    public var throttled = 0
    /// The nearest deadline of a pending session, in milliseconds since 1970.
    public var nearestDeadline: Int64?
    /// The session of the latest change.
    public var current: String?
    /// Unreadable entries in the last complete list of each kind.
    public var unreadable: [ListKind: Int] = [:]
    /// When the last complete list of running sessions ended, in milliseconds since 1970.
    public var listed: Int64?

    /// When a list of either kind last ended, complete or not, in milliseconds since 1970.
    public var polled: Int64?

    /// Makes empty counts.
    public init() {}
}

/// A missing artifact, for the list at the end.
public struct HarvestProblem: Sendable, Hashable {
    /// The session.
    public var session: String
    /// The artifact and what is wrong with it.
    public var outcome: ArtifactEntry
}

/// A session that was requested by name and of which nothing is fetched.
public struct HarvestRefusal: Sendable, Hashable {
    /// The session.
    public var session: String
    /// The reason, as text.
    public var reason: String
}

/// The result of a harvest.
public struct HarvestSummary: Sendable {
    /// The final counts.
    public var progress = HarvestProgress()
    /// The artifacts that are lost, failed or incomplete; at most ``problemsKept``.
    public var problems: [HarvestProblem] = []
    /// The total number of such artifacts.
    public var problemCount = 0
    /// Sessions left pending, to be tried again by the next run.
    public var unfinished = 0
    /// Distinct list entries that were skipped because they are unreadable.
    public var rejectedEntries = 0
    /// Why no list of all sessions, the one with the exited sessions, arrived; nil when one did.
    public var listTrouble: HarvestError?
    /// The latest list failures, newest last; at most ten.
    public var listFailures: [SourceFailure] = []
    /// Why the store was full, as one sentence; nil when there was room.
    public var noRoom: String?
    /// Why the catalog could not be written, such as a lock by another process; nil when it was written in the end.
    public var catalogTrouble: String?
    /// Another local failure that kept a download from being stored or packed: memory, descriptors, processes, a
    /// failing disk; nil when there was none.
    public var localTrouble: String?
    /// Finished sessions of which this run requested more.
    public var again = 0
    /// Sessions selected for `--again` whose deadline has passed.
    public var pastDeadline = 0
    /// Sessions named for `--again` that were not requested, with the reason.
    public var refusals: [HarvestRefusal] = []
    /// Paths of rules that exist in no session and that this run requested.
    public var absentPaths: [AbsentPath] = []
    /// Set when the run ended because the token was refused.
    public var pause: FetchPause?
    /// Whether the run was stopped, by request or by its time limit.
    public var stopped = false

    /// The maximum length of ``problems``.
    public static let problemsKept = 1000

    /// Whether an artifact is lost, failed or incomplete, or a listed session was unreadable.
    public var isPartial: Bool { problemCount > 0 || rejectedEntries > 0 }
}

/// An event worth a line in a daemon's log.
public enum HarvestEvent: Sendable {
    /// A session ended.
    case exited(ExitedSession)
    /// A session is done, with the outcome of each artifact.
    case settled(session: String, SessionState, [ArtifactEntry])
    /// A list failed or was truncated.
    case listFailed(ListKind, SourceFailure)
    /// A list contains a damaged entry; reported once for each entry.
    case listDamaged(ListKind, DamagedEntry)
    /// All requests wait.
    case paused(FetchPause)
    /// Requests continue.
    case resumed
    /// The store could not be read or written as needed.
    case storeTrouble(String)
    /// A session's downloads could not be packed. They stay in the spool and are tried again after `wait` milliseconds;
    /// if nil, by the next run.
    case packingDeferred(session: String, reason: String, wait: Int64?)
    /// A download was quarantined, because it was proven to crash or stall its reader.
    case quarantined(session: String, path: String, reason: String)
    /// More is requested of a finished session: these artifacts.
    case reopened(session: String, [String], LeftOut.Cause)
    /// The paths of rules that exist in no session changed; those in `fresh` are new.
    case absentPaths([AbsentPath], fresh: [AbsentPath])
    /// A packed session has a crash.
    case crashed(HarvestedCrash)
    /// Notifications could not be kept or delivered, as a sentence.
    case notifyTrouble(String)
    /// Crashes could not be kept for, or sent to, a service outside, as a sentence.
    case exportTrouble(String)
    /// Downloads of an interrupted run were recovered.
    case recovered(session: String, files: Int)
}

/// Receives progress and events. Called from several tasks; must return at once.
public struct HarvestObserver: Sendable {
    /// Called a few times per second.
    public var progress: @Sendable (HarvestProgress) -> Void
    /// Called for each event.
    public var event: @Sendable (HarvestEvent) -> Void
    /// Called before crashes or losses of sessions are recorded in the catalog, on a thread that may block.
    public var committing: @Sendable (_ sessions: [String]) -> Void
    /// Called once a session's crashes or losses are in the catalog.
    public var committed: @Sendable (_ session: String) -> Void

    /// Makes an observer; by default one that ignores everything.
    public init(
        progress: @escaping @Sendable (HarvestProgress) -> Void = { _ in },
        event: @escaping @Sendable (HarvestEvent) -> Void = { _ in },
        committing: @escaping @Sendable ([String]) -> Void = { _ in },
        committed: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.progress = progress
        self.event = event
        self.committing = committing
        self.committed = committed
    }
}
