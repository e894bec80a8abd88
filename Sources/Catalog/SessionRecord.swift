public import Pack
public import Text

/// Where a session stands in the ledger.
public enum SessionState: String, Sendable, Codable, CaseIterable {
    /// The API lists it and it has not ended.
    case running
    /// It has ended; something is still to be fetched.
    case pending
    /// Everything that was asked for and exists was collected.
    case harvested
    /// Something is missing that should be there.
    case partial
    /// The sampling rule chose not to fetch anything.
    case skipped
    /// Nothing was collected and nothing can be any more.
    case lost

    /// Whether nothing more will be asked of the API for it.
    public var isFinal: Bool { self != .running && self != .pending }

    /// The state that follows from the states of a session's artifacts; `harvested` for none at all.
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

/// What the catalog knows of one session. Times are milliseconds since 1970 in UTC.
public struct SessionRecord: Sendable, Equatable {
    /// The session's id, exactly as the API gave it.
    public var session: String
    /// The image; empty when never learned.
    public var image = ""
    /// The image's version.
    public var tag: String?
    /// Where it ran.
    public var location: String?
    /// The host's name or address.
    public var host: String?
    /// The user's labels; never the container's environment.
    public var labels: ByteDictionary<String> = [:]
    /// When the session was created.
    public var created: Int64?
    /// When salvage first saw it.
    public var firstSeen: Int64?
    /// When it ended, if something told so.
    public var exited: Int64?
    /// When salvage first saw it ended.
    public var firstSeenExited: Int64?
    /// When the container is expected to be gone.
    public var deadline: Int64?
    /// The ledger's state.
    public var state: SessionState
    /// Why the state is not the good one.
    public var reason: String?
    /// `harvest` or `ingest`.
    public var source: String?
    /// The pack, relative to the store; nil while there is none.
    public var pack: String?
    /// The pack's size on disk, in bytes.
    public var packBytes: UInt64 = 0
    /// How many members the pack holds.
    public var members = 0
    /// The members' logical size together, in bytes.
    public var bytes: UInt64 = 0
    /// How many crashes were found.
    public var crashes = 0
    /// When its pack was pruned; nil where it never was, or where all that was pruned is there again.
    public var pruned: Int64?
    /// The rule that pruned it.
    public var prunedWhy: String?

    /// A session of which only the id and the state are known.
    public init(session: String, state: SessionState) {
        self.session = session
        self.state = state
    }

    /// Whether retention removed its pack, and no later one took its place.
    public var isPruned: Bool { pruned != nil && pack == nil }

    /// The reason of a session, and of its artifacts, whose pack is not in the store any more. It ends when the pack is
    /// found again.
    public static let packGone = "its pack is gone from the store"

    /// Begins the reason of an artifact whose bytes were pruned, where a later pack of the session does not hold them.
    public static let bytesPruned = "its bytes were pruned"

    /// When it ended as far as known, else when it began: what listings are ordered by.
    public var at: Int64 { exited ?? firstSeenExited ?? created ?? firstSeen ?? 0 }
}

/// One artifact's row of the ledger with the time of its next try.
public struct ArtifactRecord: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// What was asked, what came, why not.
    public var entry: ArtifactEntry
    /// Not to be asked for again before this time (ms since 1970); nil for at once or never.
    public var nextTry: Int64?

    /// Makes a record from its parts.
    public init(session: String, entry: ArtifactEntry, nextTry: Int64? = nil) {
        self.session = session
        self.entry = entry
        self.nextTry = nextTry
    }
}

/// One request to the API and what came of it: the ledger's history, for `why`.
public struct RequestRecord: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// When the request began (ms since 1970).
    public var at: Int64
    /// The artifact it was for; nil for describe calls.
    public var artifact: String?
    /// The operation: `artifacts`, `describe-session`, `stream-logs`, …
    public var endpoint: String
    /// The HTTP status; nil when there was no answer.
    public var status: Int?
    /// Bytes of the body that arrived.
    public var bytes: UInt64
    /// The API's identifier of the error.
    public var identifier: String?
    /// What it meant, in words: `ok`, `not found`, `cut after 812 KiB`.
    public var outcome: String

    /// Makes a record from its parts.
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
