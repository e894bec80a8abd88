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
