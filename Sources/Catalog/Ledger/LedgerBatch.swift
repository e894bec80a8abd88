public import Model

/// New facts about a session; an unknown fact leaves what is recorded unchanged.
public struct SessionUpdate: IdentifiedSession, Sendable, Equatable {
    /// Who the session is. Its row is created if needed. Facts that are unknown here leave those in the row unchanged;
    /// labels replace all earlier ones.
    public var identity: SessionIdentity
    /// Whether the session has exactly these labels, even if there are none: without, empty labels are unknown.
    public var setsLabels = false
    /// When it ended (ms since 1970, as all times here).
    public var exited: Int64?
    /// When it was first seen; later values are ignored.
    public var seen: Int64?
    /// When it was first seen ended; later values are ignored.
    public var seenExited: Int64?
    /// When the container is expected to be gone.
    public var deadline: Int64?
    /// The new state; a row created without one is `running`.
    public var state: SessionState?
    /// The reason for the state; replaces the old reason whenever a state is given.
    public var reason: String?
    /// `harvest` or `ingest`.
    public var source: String?
    /// Resets the row because the API reused the id for a new session: times and ledger of the earlier session are
    /// deleted; its pack is kept until a new one is committed.
    public var restart = false

    /// Creates an update with these facts.
    public init(_ identity: SessionIdentity, state: SessionState? = nil, reason: String? = nil) {
        self.identity = identity
        self.state = state
        self.reason = reason
    }

    /// Creates an update without facts.
    public init(session: String, state: SessionState? = nil, reason: String? = nil) {
        self.init(SessionIdentity(id: session), state: state, reason: reason)
    }
}

/// The updates of one harvest step, recorded in one transaction with one disk sync.
public struct LedgerBatch: Sendable, Equatable {
    /// Facts and states of sessions.
    public var sessions: [SessionUpdate]
    /// Rows of artifacts; each replaces the row of the same session and artifact.
    public var artifacts: [ArtifactRecord]
    /// Requests made, oldest first; the newest ``Catalog/requestsKept`` of each session are kept.
    public var requests: [RequestRecord]
    /// Sessions without files in the spool: the records of their packed downloads are deleted.
    public var released: [String] = []

    /// Creates a batch.
    public init(
        sessions: [SessionUpdate] = [], artifacts: [ArtifactRecord] = [], requests: [RequestRecord] = []
    ) {
        self.sessions = sessions
        self.artifacts = artifacts
        self.requests = requests
    }

    /// Whether there is nothing to record.
    public var isEmpty: Bool { sessions.isEmpty && artifacts.isEmpty && requests.isEmpty && released.isEmpty }
}
