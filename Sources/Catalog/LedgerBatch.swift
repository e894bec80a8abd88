public import Text

/// What is newly known of a session; what is nil stays as it was.
public struct SessionUpdate: Sendable, Equatable {
    /// The session's id; the row is made when there is none.
    public var session: String
    /// The image.
    public var image: String?
    /// The image's version.
    public var tag: String?
    /// Where it ran.
    public var location: String?
    /// The host's name or address.
    public var host: String?
    /// The user's labels, replacing all that were known. Never pass `labels.env`.
    public var labels: ByteDictionary<String>?
    /// When it was created (ms since 1970, as all times here).
    public var created: Int64?
    /// When it ended.
    public var exited: Int64?
    /// When it was seen at all; the first one given stays.
    public var seen: Int64?
    /// When it was seen ended; the first one given stays.
    public var seenExited: Int64?
    /// When the container is expected to be gone.
    public var deadline: Int64?
    /// The new state; a row made without one is `running`.
    public var state: SessionState?
    /// Why; replaces the old reason whenever a state is given.
    public var reason: String?
    /// `harvest` or `ingest`.
    public var source: String?
    /// Begins the row anew, because the API gave the same id to a new session: times and ledger of the earlier one are
    /// dropped, its pack stays until a new one is committed.
    public var restart = false

    /// An update that changes nothing yet.
    public init(session: String, state: SessionState? = nil, reason: String? = nil) {
        self.session = session
        self.state = state
        self.reason = reason
    }
}

/// What one step of a harvest learned, recorded in one transaction and one sync of the disk.
public struct LedgerBatch: Sendable, Equatable {
    /// Facts and states of sessions.
    public var sessions: [SessionUpdate]
    /// Rows of artifacts; each replaces the row of the same session and artifact.
    public var artifacts: [ArtifactRecord]
    /// Requests made, oldest first; the newest ``Catalog/requestsKept`` of each session are kept.
    public var requests: [RequestRecord]
    /// Sessions of which nothing lies in the spool any more: the notes on their packed downloads are not needed.
    public var released: [String] = []

    /// Makes a batch from its parts.
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
