public import Catalog
import Pack

public import struct SessionAPI.DamagedEntry

/// Counts while a harvest runs.
public struct HarvestProgress: Sendable, Hashable {
    /// Sessions seen for the first time or known from the ledger.
    public var seen = 0
    /// Sessions thought to run.
    public var running = 0
    /// Sessions that ended and are not done.
    public var pending = 0
    /// Downloads under way.
    public var downloading = 0
    /// Ingests under way.
    public var ingesting = 0
    /// Sessions done in this run, by state.
    public var done: [SessionState: Int] = [:]
    /// Bytes downloaded in this run.
    public var bytes: UInt64 = 0
    /// Requests answered with 429 or 503.
    public var throttled = 0
    /// The nearest deadline of a pending session, in milliseconds since 1970.
    public var nearestDeadline: Int64?
    /// The session that something happened to last.
    public var current: String?
    /// Entries that could not be read, of the last complete list of each kind.
    public var unreadable: [ListKind: Int] = [:]
    /// When the last complete list of running sessions ended, in milliseconds since 1970.
    public var listed: Int64?

    /// When a list of either kind last ended, whole or not, in milliseconds since 1970.
    public var polled: Int64?

    /// Nothing yet.
    public init() {}
}

/// One thing that did not come, for the list at the end.
public struct HarvestProblem: Sendable, Hashable {
    /// The session.
    public var session: String
    /// What is missing of it.
    public var outcome: ArtifactOutcome
}

/// A session that was asked for by name and of which nothing is fetched.
public struct HarvestRefusal: Sendable, Hashable {
    /// The session.
    public var session: String
    /// Why, in words.
    public var reason: String
}

/// What a harvest came to.
public struct HarvestSummary: Sendable {
    /// The last counts.
    public var progress = HarvestProgress()
    /// What was lost, failed or is incomplete; at most ``problemsKept``.
    public var problems: [HarvestProblem] = []
    /// How many there were in all.
    public var problemCount = 0
    /// Sessions left pending: to be tried again by the next run.
    public var unfinished = 0
    /// Distinct entries of lists that were left out because they cannot be read.
    public var rejectedEntries = 0
    /// Why no list of all sessions arrived, which is the one that names those that have exited; nil when one did.
    public var listTrouble: HarvestError?
    /// Why lists were incomplete, newest last; at most ten.
    public var listFailures: [SourceFailure] = []
    /// What the store said when it had no room for something of this run, in a sentence; nil when there was room.
    public var noRoom: String?
    /// Why the catalog could not be written, such as locked by another process; nil when it was, at last.
    public var catalogTrouble: String?
    /// What else of this machine kept a download from being stored or packed: memory, descriptors, processes, a failing
    /// disk; nil when nothing did.
    public var localTrouble: String?
    /// Sessions that were done and of which more was asked for in this run.
    public var again = 0
    /// Sessions that were to be asked again and whose deadline has passed.
    public var pastDeadline = 0
    /// Sessions that were to be asked again by name, and why they are not.
    public var refusals: [HarvestRefusal] = []
    /// Paths of rules that exist in no session, where this run asked for them.
    public var absentPaths: [AbsentPath] = []
    /// Set when the run ended with the token refused.
    public var pause: FetchPause?
    /// Whether it was stopped, by request or by the time allowed.
    public var stopped = false

    /// The bound on ``problems``.
    public static let problemsKept = 1000

    /// Whether something was lost, failed or is incomplete, or a listed session could not be read.
    public var isPartial: Bool { problemCount > 0 || rejectedEntries > 0 }
}

/// Something worth a line in a daemon's log.
public enum HarvestEvent: Sendable {
    /// A session ended.
    case exited(ExitedSession)
    /// A session is done; the outcomes say what came and what did not.
    case settled(session: String, SessionState, [ArtifactOutcome])
    /// A list failed or was cut.
    case listFailed(ListKind, SourceFailure)
    /// A list names a session in a way that cannot be taken as it is; told once for each such entry.
    case listDamaged(ListKind, DamagedEntry)
    /// Every request waits.
    case paused(FetchPause)
    /// Requests go on.
    case resumed
    /// The store could not be written; tried again.
    case storeTrouble(String)
    /// A session's downloads could not be packed now; they stay in the spool and are tried again after `wait`
    /// milliseconds, nil: by the next run.
    case packingDeferred(session: String, reason: String, wait: Int64?)
    /// A download was put aside, because it was proven to crash or stall its reader.
    case quarantined(session: String, path: String, reason: String)
    /// A session that was done is asked for more.
    case reopened(session: String, [String], LeftOut.Cause)
    /// The paths of rules that exist in no session changed; `fresh` ones were not among them before.
    case absentPaths([AbsentPath], fresh: [AbsentPath])
    /// An interrupted run's downloads were taken up again.
    case recovered(session: String, files: Int)
}

/// Who wants to know. Called from several tasks; must return at once.
public struct HarvestObserver: Sendable {
    /// Called a few times each second while something happens.
    public var progress: @Sendable (HarvestProgress) -> Void
    /// Called for each event.
    public var event: @Sendable (HarvestEvent) -> Void

    /// Nobody, or the given closures.
    public init(
        progress: @escaping @Sendable (HarvestProgress) -> Void = { _ in },
        event: @escaping @Sendable (HarvestEvent) -> Void = { _ in }
    ) {
        self.progress = progress
        self.event = event
    }
}
