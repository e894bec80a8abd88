/// The state of an artifact, in the ledger's words.
public enum ArtifactState: String, Codable, Sendable, CaseIterable {
    /// It has not been fetched yet.
    case pending
    /// All of it is kept.
    case collected
    /// Some of its entries are kept.
    case incomplete
    /// Its path does not exist in the container.
    case absent
    /// A sampling rule left it out.
    case skipped
    /// It could not be fetched or read.
    case failed
    /// Its container was gone before it was fetched.
    case lost
}

/// One row of the ledger: the requests for one artifact and their outcome.
public struct ArtifactEntry: Sendable, Hashable, Codable {
    /// The configured container path; `logs` for the stdout and stderr log.
    public var artifact: String
    /// Its state.
    public var state: ArtifactState
    /// Why the state is not `collected`.
    public var reason: String?
    /// The HTTP status of the last attempt.
    public var status: Int?
    /// The API's identifier of the last error.
    public var identifier: String?
    /// Number of attempts.
    public var tries: Int
    /// Bytes downloaded.
    public var bytes: UInt64
    /// First attempt, in milliseconds since 1970 UTC.
    public var firstTry: Int64?
    /// Last attempt, in milliseconds since 1970 UTC.
    public var lastTry: Int64?
    /// The verdict on the archive.
    public var verdict: ArchiveVerdict?
    /// The archive's flags, such as `trailing_data`.
    public var flags: [String]
    /// SHA-256 of the download, in lower-case hex.
    public var sha256: String?

    /// Creates a row of the ledger; only the artifact is required.
    public init(
        artifact: String, state: ArtifactState = .pending, reason: String? = nil, status: Int? = nil,
        identifier: String? = nil, tries: Int = 0, bytes: UInt64 = 0, firstTry: Int64? = nil, lastTry: Int64? = nil,
        verdict: ArchiveVerdict? = nil, flags: [String] = [], sha256: String? = nil
    ) {
        self.artifact = artifact
        self.state = state
        self.reason = reason
        self.status = status
        self.identifier = identifier
        self.tries = tries
        self.bytes = bytes
        self.firstTry = firstTry
        self.lastTry = lastTry
        self.verdict = verdict
        self.flags = flags
        self.sha256 = sha256
    }

    package enum CodingKeys: String, CodingKey {
        case artifact
        case state
        case reason
        case status
        case identifier
        case tries
        case bytes
        case firstTry = "first_try"
        case lastTry = "last_try"
        case verdict
        case flags
        case sha256
    }
}
