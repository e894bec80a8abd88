public import enum Pack.ArtifactState

/// An endpoint of the API with a request rate of its own.
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
    /// The name under which the stdout and stderr log is kept among the artifacts.
    public static let logs = "logs"

    /// The container path, or ``logs``.
    public var artifact: String
    /// Kept only if the session turns out to look crashed; the log then decides.
    public var onlyIfCrashed = false
    /// Fetched to decide about other items, never kept.
    public var probe = false
    /// What the ledger remembers of earlier tries.
    public var earlier: ArtifactOutcome?
    /// A download that an interrupted run left in the spool.
    public var leftover: Leftover?
    /// What was known before it was asked for once more; stands unless something better comes.
    public var fallback: ArtifactOutcome?

    /// A download that is on disk and not yet in a pack.
    public struct Leftover: Sendable, Hashable {
        /// Its size.
        public var bytes: UInt64
        /// Whether its body had ended as promised.
        public var complete: Bool

        /// Pairs the two.
        public init(bytes: UInt64, complete: Bool) {
            self.bytes = bytes
            self.complete = complete
        }
    }

    /// An item that is kept when it comes.
    public init(_ artifact: String, onlyIfCrashed: Bool = false, probe: Bool = false, earlier: ArtifactOutcome? = nil) {
        self.artifact = artifact
        self.onlyIfCrashed = onlyIfCrashed
        self.probe = probe
        self.earlier = earlier
    }

    /// Where it is fetched from.
    public var endpoint: Endpoint { artifact == Self.logs ? .logs : .artifacts }
}

/// Everything to fetch of one session.
public struct FetchJob: Sendable, Hashable {
    /// The ledger's name of the run.
    public var key: String
    /// The id towards the API.
    public var id: String
    /// When the container is expected to be gone, in milliseconds since 1970.
    public var deadline: Int64
    /// The earliest moment at which the session can have ended; breaks ties.
    public var notBefore: Int64
    /// Whether it looks crashed so far.
    public var crashed: Bool
    /// What to fetch, in order.
    public var items: [FetchItem]
    /// What is decided already, such as skipped paths.
    public var decided: [ArtifactOutcome]

    /// Collects the facts.
    public init(
        key: String, id: String, deadline: Int64, notBefore: Int64, crashed: Bool = false, items: [FetchItem],
        decided: [ArtifactOutcome] = []
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
        /// The body came and ended as its framing promised.
        case complete
        /// The body began and was cut off or fell silent.
        case cut(String)
        /// The body was larger than the configured limit; what fits was kept.
        case tooLarge
        /// The server answered with a status other than 200.
        case refused(Int)
        /// No answer.
        case unreachable(String)
        /// This machine could not store it; says nothing about the API.
        case local(String)
    }

    /// How it ended.
    public var ending: Ending
    /// The HTTP status, where there was one.
    public var status: Int?
    /// The API's trace identifier.
    public var identifier: String?
    /// How long the server asked to wait, in milliseconds.
    public var retryAfter: Int64?
    /// Bytes of body stored.
    public var bytes: UInt64
    /// Of a log: whether its text looks like a crash.
    public var looksCrashed: Bool?
    /// Of a log that was followed before: whether it begins with all that was followed.
    public var holdsEarlier: Bool?

    /// Collects the facts.
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

/// What the ledger keeps of one artifact.
public struct ArtifactOutcome: Sendable, Hashable {
    /// The container path, or `logs`.
    public var artifact: String
    /// What came of it.
    public var state: ArtifactState
    /// Why, for every state but `collected`.
    public var reason: String?
    /// The last HTTP status.
    public var status: Int?
    /// The last trace identifier.
    public var identifier: String?
    /// Requests made.
    public var tries: Int
    /// Bytes downloaded and kept.
    public var bytes: UInt64
    /// When it was first asked for, in milliseconds since 1970.
    public var firstTry: Int64?
    /// When it was last asked for.
    public var lastTry: Int64?

    /// Collects the facts.
    public init(
        _ artifact: String, _ state: ArtifactState, reason: String? = nil, status: Int? = nil,
        identifier: String? = nil, tries: Int = 0, bytes: UInt64 = 0, firstTry: Int64? = nil, lastTry: Int64? = nil
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
    }
}

/// What ingest made of one downloaded file.
public struct IngestVerdict: Sendable, Hashable {
    /// Whether everything that was promised is there.
    public var complete: Bool
    /// Whether nothing of it could be kept; of a complete archive, that it has no entry.
    public var empty: Bool
    /// Why not, where it is not complete.
    public var reason: String?

    /// Collects the facts.
    public init(complete: Bool, empty: Bool = false, reason: String? = nil) {
        self.complete = complete
        self.empty = empty
        self.reason = reason
    }
}

/// Why nothing is fetched at the moment.
public struct FetchPause: Sendable, Hashable {
    /// What the API refused, as one sentence for an engineer.
    public var message: String
    /// 401 or 403.
    public var status: Int
    /// The API's trace identifier.
    public var identifier: String?

    /// The message for a refused token or scope.
    static func explanation(_ status: Int, scope: String) -> String {
        status == 401
            ? "the API refuses the token (401): it is wrong, expired, or belongs to another environment"
            : "the API refuses this request (403): the token lacks the scope \(scope), or the account's quota is used up"
    }
}
