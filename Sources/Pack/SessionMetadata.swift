public import Text

/// The session facts in a pack, stored as JSON in its footer with the names of `CodingKeys`.
public struct SessionMetadata: Sendable, Equatable, Codable {
    /// The session's id as given by the API or the user; any characters.
    public var session: String
    /// The container image.
    public var image: String
    /// The image's version.
    public var tag: String?
    /// The API's location of the host.
    public var location: String?
    /// The host that ran the session.
    public var host: String?
    /// The user's labels only; never the container's environment.
    public var labels: ByteDictionary<String>
    /// When the session was created, in milliseconds since 1970 UTC.
    public var created: Int64?
    /// When it exited, if known, in milliseconds since 1970 UTC.
    public var exited: Int64?
    /// When salvage first saw it exited, in milliseconds since 1970 UTC.
    public var firstSeenExited: Int64?
    /// The newest time in the lines of its logs, in milliseconds since 1970 UTC; not later than `firstSeenExited`.
    public var lastLogged: Int64?
    /// When its container is expected to be gone, in milliseconds since 1970 UTC.
    public var deadline: Int64?
    /// The ledger state at the time the pack was written.
    public var state: String?
    /// Why the state is not `harvested`.
    public var reason: String?
    /// Where it came from: `harvest` or `ingest`.
    public var source: String?

    /// Creates the facts of a session; only its id is required.
    public init(
        session: String, image: String = "", tag: String? = nil, location: String? = nil, host: String? = nil,
        labels: ByteDictionary<String> = [:], created: Int64? = nil, exited: Int64? = nil,
        firstSeenExited: Int64? = nil,
        deadline: Int64? = nil, state: String? = nil, reason: String? = nil, source: String? = nil
    ) {
        self.session = session
        self.image = image
        self.tag = tag
        self.location = location
        self.host = host
        self.labels = labels
        self.created = created
        self.exited = exited
        self.firstSeenExited = firstSeenExited
        self.deadline = deadline
        self.state = state
        self.reason = reason
        self.source = source
    }

    enum CodingKeys: String, CodingKey {
        case session
        case image
        case tag
        case location
        case host
        case labels
        case created
        case exited
        case firstSeenExited = "first_seen_exited"
        case lastLogged = "last_logged"
        case deadline
        case state
        case reason
        case source
    }
}

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
    /// The verdict on the archive (`ok`, `incomplete`, `corrupt`, `not_an_archive`).
    public var verdict: String?
    /// The archive's flags, such as `trailing_data`.
    public var flags: [String]
    /// SHA-256 of the download, in lower-case hex.
    public var sha256: String?

    /// Creates a row of the ledger; only the artifact is required.
    public init(
        artifact: String, state: ArtifactState = .pending, reason: String? = nil, status: Int? = nil,
        identifier: String? = nil, tries: Int = 0, bytes: UInt64 = 0, firstTry: Int64? = nil, lastTry: Int64? = nil,
        verdict: String? = nil, flags: [String] = [], sha256: String? = nil
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

    enum CodingKeys: String, CodingKey {
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
