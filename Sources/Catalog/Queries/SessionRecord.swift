public import Pack
public import Text

/// The state of a session in the ledger.
public enum SessionState: String, Sendable, Codable, CaseIterable {
    /// The API lists it, and it has not ended.
    case running
    /// It has ended; something is still to be fetched.
    case pending
    /// Everything requested that exists was collected.
    case harvested
    /// Some artifacts are missing or incomplete.
    case partial
    /// The sampling rule excluded all artifacts.
    case skipped
    /// Nothing was collected, and nothing can be fetched any more.
    case lost

    /// Whether no more requests are made for it.
    public var isFinal: Bool { self != .running && self != .pending }

    /// Derives a session's state from its artifacts' states; `harvested` without artifacts.
    public static func derived(from artifacts: some Collection<ArtifactState>) -> SessionState {
        guard !artifacts.isEmpty else { return .harvested }
        if artifacts.contains(.pending) { return .pending }
        if artifacts.allSatisfy({ $0 == .skipped }) { return .skipped }
        let missing = artifacts.contains { $0 == .incomplete || $0 == .failed || $0 == .lost }
        guard missing else { return .harvested }
        let kept = artifacts.contains { $0 == .collected || $0 == .incomplete }
        return kept || !artifacts.contains(.lost) ? .partial : .lost
    }
}

/// A session as recorded in the catalog. Times are milliseconds since 1970 UTC.
public struct SessionRecord: Sendable, Equatable {
    /// The session's id, exactly as given by the API.
    public var session: String
    /// The image; empty when unknown.
    public var image = ""
    /// The image's version.
    public var tag: String?
    /// The location of its host.
    public var location: String?
    /// The host's name or address.
    public var host: String?
    /// The user's labels; never the container's environment.
    public var labels: ByteDictionary<String> = [:]
    /// When the session was created.
    public var created: Int64?
    /// When salvage first saw it.
    public var firstSeen: Int64?
    /// When it ended, if known.
    public var exited: Int64?
    /// When salvage first saw it ended.
    public var firstSeenExited: Int64?
    /// When the container is expected to be gone.
    public var deadline: Int64?
    /// The ledger's state.
    public var state: SessionState
    /// Why the state is not `harvested`.
    public var reason: String?
    /// `harvest` or `ingest`.
    public var source: String?
    /// The pack, relative to the store; nil while there is none.
    public var pack: String?
    /// The pack's size on disk, in bytes.
    public var packBytes: UInt64 = 0
    /// Number of members in the pack.
    public var members = 0
    /// The members' total logical size, in bytes.
    public var bytes: UInt64 = 0
    /// Number of crashes found.
    public var crashes = 0
    /// When its pack was pruned; nil when it was not, or when everything pruned is back.
    public var pruned: Int64?
    /// The rule that pruned it.
    public var prunedWhy: String?

    /// Creates a record with id and state only.
    public init(session: String, state: SessionState) {
        self.session = session
        self.state = state
    }

    /// Whether its pack was pruned and no later one replaced it.
    public var isPruned: Bool { pruned != nil && pack == nil }

    /// The reason of a session and its artifacts when its pack is missing from the store. It is removed when the pack
    /// is found again.
    public static let packGone = "its pack is gone from the store"

    /// The prefix of the reason of an artifact whose bytes were pruned and are not in a later pack of the session.
    public static let bytesPruned = "its bytes were pruned"

    /// When it ended, or when it began if the end is unknown: the sort key of listings.
    public var at: Int64 { exited ?? firstSeenExited ?? created ?? firstSeen ?? 0 }
}

/// One artifact's ledger row with the time of its next attempt.
public struct ArtifactRecord: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// The ledger row: requests, outcome and reason.
    public var entry: ArtifactEntry
    /// Earliest time of the next attempt (ms since 1970); nil for immediately or never.
    public var nextTry: Int64?

    /// Creates a record.
    public init(session: String, entry: ArtifactEntry, nextTry: Int64? = nil) {
        self.session = session
        self.entry = entry
        self.nextTry = nextTry
    }
}

/// One API request and its outcome: the ledger's history, shown by `why`.
public struct RequestRecord: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// When the request began (ms since 1970).
    public var at: Int64
    /// The artifact it was for; nil for describe calls.
    public var artifact: String?
    /// The operation: `artifacts`, `describe-session`, `stream-logs`, …
    public var endpoint: String
    /// The HTTP status; nil when there was no response.
    public var status: Int?
    /// Bytes of the response body received.
    public var bytes: UInt64
    /// The API's identifier of the error.
    public var identifier: String?
    /// The outcome in words: `ok`, `not found`, `cut after 812 KiB`.
    public var outcome: String

    /// Creates a record.
    public init(
        session: String, at: Int64, artifact: String? = nil, endpoint: String, status: Int? = nil, bytes: UInt64 = 0,
        identifier: String? = nil, outcome: String
    ) {
        self.session = session
        self.at = at
        self.artifact = artifact
        self.endpoint = endpoint
        self.status = status
        self.bytes = bytes
        self.identifier = identifier
        self.outcome = outcome
    }
}
