/// The runtime status of a session's container. Open: a server may know more than this list.
public struct SessionStatus: RawRepresentable, Sendable, Hashable, Codable {
    /// The word the API uses.
    public var rawValue: String

    /// A status by the word the API uses.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The container exists but has not started.
    public static let created = SessionStatus(rawValue: "created")
    /// The container runs.
    public static let running = SessionStatus(rawValue: "running")
    /// The process ended and is being started again in the same container.
    public static let restarting = SessionStatus(rawValue: "restarting")
    /// The process has ended, well or badly: the API does not say.
    public static let exited = SessionStatus(rawValue: "exited")
    /// The container failed and could not be removed.
    public static let dead = SessionStatus(rawValue: "dead")
    /// The host is being emptied and will shut down.
    public static let draining = SessionStatus(rawValue: "draining")
    /// The host is shutting down.
    public static let shuttingdown = SessionStatus(rawValue: "shuttingdown")
    /// The host does not answer the platform at the moment.
    public static let serverUnreachable = SessionStatus(rawValue: "server_unreachable")

    /// True when the process has ended for good, so that artifacts can be asked for.
    public var hasEnded: Bool { self == .exited || self == .dead }
}

/// A port of the container and where the host exposes it.
public struct SessionPort: Sendable, Equatable {
    /// The container's port with its protocol, such as `7360/tcp`.
    public var name: String
    /// The host's port, 0 to 65535.
    public var host: Int

    /// A port mapping.
    public init(name: String, host: Int) {
        self.name = name
        self.host = host
    }
}

/// One session as the list names it.
///
/// Only `id` is certain: a fact that is absent, null or of another type than documented is nil (`image` and `location`
/// are empty), so that one odd entry never hides the others.
public struct SessionEntry: Sendable, Equatable, Identifiable {
    /// The session's identifier, any text that is not empty.
    public var id: String
    /// Name of the image; empty when neither the entry nor its platform labels say.
    public var image: String
    /// The image's version; taken from the platform's labels when the entry itself does not say.
    public var tag: String?
    /// The region or data centre; empty when neither the entry nor its platform labels say.
    public var location: String
    /// Address of the host machine.
    public var host: String?
    /// When the session was created, milliseconds since 1970. A value in seconds has been recognised and converted.
    public var created: Int64?
    /// Exposed ports, ordered by name.
    public var ports: [SessionPort]
    /// The container's status; the list may leave it out.
    public var status: SessionStatus?
    /// What the labels say, with the container's environment left out.
    public var labels: SessionLabels
    /// Number of players that joined.
    public var playerCount: Int?

    /// A session from its facts.
    public init(
        id: String, image: String = "", tag: String? = nil, location: String = "", host: String? = nil,
        created: Int64? = nil, ports: [SessionPort] = [], status: SessionStatus? = nil,
        labels: SessionLabels = SessionLabels(), playerCount: Int? = nil
    ) {
        self.id = id
        self.image = image
        self.tag = tag
        self.location = location
        self.host = host
        self.created = created
        self.ports = ports
        self.status = status
        self.labels = labels
        self.playerCount = playerCount
    }

    /// Fills what the entry leaves out from the platform's labels.
    mutating func fillFromPlatformLabels() {
        guard !labels.platform.isEmpty else { return }
        if tag == nil { tag = labels.platform["tag"] }
        if image.isEmpty, let known = labels.platform["image"] { image = known }
        if location.isEmpty, let known = labels.platform["region"] { location = known }
    }
}

/// One session as describe-session answers it.
public struct SessionDescription: Sendable, Equatable {
    /// The facts the list gives too.
    public var session: SessionEntry
    /// Identifiers of the players that joined; nil when the server does not say.
    public var playersJoined: [String]?
    /// Number of players that joined; nil when the server does not say.
    public var playersJoinedCount: Int?

    /// A description from its facts.
    public init(session: SessionEntry, playersJoined: [String]? = nil, playersJoinedCount: Int? = nil) {
        self.session = session
        self.playersJoined = playersJoined
        self.playersJoinedCount = playersJoinedCount
    }
}

/// A list of sessions held in memory. For long lists use the streaming decoder.
public struct SessionList: Sendable, Equatable {
    /// The sessions in the server's order.
    public var sessions: [SessionEntry]
    /// How many entries were left out because they are not objects or carry no usable id.
    public var rejected: Int

    /// A list from its entries.
    public init(sessions: [SessionEntry], rejected: Int = 0) {
        self.sessions = sessions
        self.rejected = rejected
    }
}

/// Turns numbers of the API into values.
enum WireNumber {
    /// Milliseconds since 1970 of a `created` number. The API documents milliseconds; a value that would then lie
    /// before March 1973 is taken for seconds. Nil when it is no time between March 1973 and the year 9999.
    static func milliseconds(_ value: Double) -> Int64? {
        let milliseconds = value < 100_000_000_000 ? value * 1000 : value
        guard milliseconds >= 100_000_000_000, milliseconds < 253_402_300_800_000 else { return nil }
        return Int64(milliseconds)
    }

    /// A host port, nil when it is none.
    static func port(_ value: Double) -> Int? {
        guard value >= 0, value <= 65_535 else { return nil }
        return Int(exactly: value)
    }

    /// A count, nil when it is fractional or beyond what fits.
    static func count(_ value: Double) -> Int? {
        guard value > -9e15, value < 9e15 else { return nil }
        return Int(exactly: value)
    }
}
