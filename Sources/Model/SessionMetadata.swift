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

    package enum CodingKeys: String, CodingKey {
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
