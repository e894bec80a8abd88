import Ingest
public import Model

/// An API endpoint with its own request rate.
public enum Endpoint: Sendable, Hashable, CaseIterable {
    /// `/session/{id}`
    case describe
    /// `/artifacts`
    case artifacts
    /// `/logs`
    case logs
}

/// One thing to fetch of a session.
public struct FetchItem: Sendable, Hashable {
    /// The artifact name of the stdout and stderr log.
    public static let logs = SpooledFile.logs

    /// The container path, or ``logs``.
    public var artifact: String
    /// Whether to keep it only if the session looks crashed, which the log then decides.
    public var onlyIfCrashed = false
    /// Whether it is fetched only to decide about other items and never kept.
    public var probe = false
    /// The ledger's outcome of earlier tries.
    public var earlier: ArtifactEntry?
    /// A download that an interrupted run left in the spool.
    public var leftover: Leftover?
    /// The outcome before it was requested again; kept unless this time brings a better one.
    public var fallback: ArtifactEntry?

    /// A download that is on disk and not yet in a pack.
    public struct Leftover: Sendable, Hashable {
        /// Its size in bytes.
        public var bytes: UInt64
        /// Whether the body was complete.
        public var complete: Bool

        /// Makes a leftover from its fields.
        public init(bytes: UInt64, complete: Bool) {
            self.bytes = bytes
            self.complete = complete
        }
    }

    /// Makes an item; by default one that is always kept.
    public init(_ artifact: String, onlyIfCrashed: Bool = false, probe: Bool = false, earlier: ArtifactEntry? = nil) {
        self.artifact = artifact
        self.onlyIfCrashed = onlyIfCrashed
        self.probe = probe
        self.earlier = earlier
    }

    /// The endpoint it is fetched from.
    public var endpoint: Endpoint { artifact == Self.logs ? .logs : .artifacts }
}

/// Everything to fetch of one session.
public struct FetchJob: Sendable, Hashable {
    /// The ledger's key of the run.
    public var key: String
    /// The session's id in the API.
    public var id: String
    /// When the container is expected to be gone, in milliseconds since 1970.
    public var deadline: Int64
    /// The earliest time the session can have ended, in milliseconds since 1970; breaks ties.
    public var notBefore: Int64
    /// Whether it looks crashed so far.
    public var crashed: Bool
    /// What to fetch, in order.
    public var items: [FetchItem]
    /// Outcomes already decided, such as skipped paths.
    public var decided: [ArtifactEntry]

    /// Makes a job from its fields.
    public init(
        key: String, id: String, deadline: Int64, notBefore: Int64, crashed: Bool = false, items: [FetchItem],
        decided: [ArtifactEntry] = []
    ) {
        self.key = key
        self.id = id
        self.deadline = deadline
        self.notBefore = notBefore
        self.crashed = crashed
        self.items = items
        self.decided = decided
    }
}

/// How one request for an artifact or a log ended.
public struct Attempt: Sendable, Hashable {
    /// The ways a request ends.
    public enum Ending: Sendable, Hashable {
        /// The body arrived completely, as its framing announced.
        case complete
        /// The body was cut off or stalled.
        case cut(String)
        /// The body exceeded the configured limit; it was truncated to the limit.
        case tooLarge
        /// The server returned a status other than 200.
        case refused(Int)
        /// No response.
        case unreachable(String)
        /// A local failure: the body could not be stored.
        case storageFailed(String)
    }

    /// How it ended.
    public var ending: Ending
    /// The HTTP status, if any.
    public var status: Int?
    /// The API's trace identifier.
    public var identifier: String?
    /// How long the server asked to wait, in milliseconds.
    public var retryAfter: Int64?
    /// Bytes of the body stored.
    public var bytes: UInt64
    /// For a log: whether its text looks like a crash.
    public var looksCrashed: Bool?
    /// For a log that was followed before: whether it starts with everything that was followed.
    public var holdsEarlier: Bool?

    /// Makes an attempt. The status defaults to that of a refusal.
    public init(
        _ ending: Ending, status: Int? = nil, identifier: String? = nil, retryAfter: Int64? = nil, bytes: UInt64 = 0,
        looksCrashed: Bool? = nil
    ) {
        self.ending = ending
        if case .refused(let refused) = ending { self.status = status ?? refused } else { self.status = status }
        self.identifier = identifier
        self.retryAfter = retryAfter
        self.bytes = bytes
        self.looksCrashed = looksCrashed
    }
}

/// Why fetching is paused.
public struct FetchPause: Sendable, Hashable {
    /// What the API refused and why, as one sentence.
    public var message: String
    /// 401 or 403.
    public var status: Int
    /// The API's trace identifier.
    public var identifier: String?

    /// Returns the message for a refused token or scope.
    static func explanation(_ status: Int, scope: String) -> String {
        status == 401
            ? "the API rejected the token (401): it is wrong, expired, or belongs to another environment"
            : "the API rejected this request (403): the token lacks the scope \(scope), "
                + "or the account's quota is exhausted"
    }
}
