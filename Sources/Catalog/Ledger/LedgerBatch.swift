public import Model

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
