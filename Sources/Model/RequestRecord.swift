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
