/// The runtime status of a session's container. An open set: a server may use more values.
public struct SessionStatus: RawRepresentable, Sendable, Hashable, Codable {
    /// The API's name of the status.
    public var rawValue: String

    /// Creates a status from the API's name.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The container exists but has not started.
    public static let created = SessionStatus(rawValue: "created")
    /// The container runs.
    public static let running = SessionStatus(rawValue: "running")
    /// The process ended and is being started again in the same container.
    public static let restarting = SessionStatus(rawValue: "restarting")
    /// The process has ended. The API does not say whether it succeeded.
    public static let exited = SessionStatus(rawValue: "exited")
    /// The container failed and could not be removed.
    public static let dead = SessionStatus(rawValue: "dead")
    /// The host is being drained and will shut down.
    public static let draining = SessionStatus(rawValue: "draining")
    /// The host is shutting down.
    public static let shuttingdown = SessionStatus(rawValue: "shuttingdown")
    /// The platform cannot reach the host at the moment.
    public static let serverUnreachable = SessionStatus(rawValue: "server_unreachable")

    /// True when the process has ended for good, so that artifacts can be downloaded.
    public var hasEnded: Bool { self == .exited || self == .dead }
}

/// A port of the container and the host's port that exposes it.
public struct SessionPort: Sendable, Equatable {
    /// The container's port with its protocol, such as `7360/tcp`.
    public var name: String
    /// The host's port, 0 to 65535.
    public var host: Int

    /// Creates a port mapping.
    public init(name: String, host: Int) {
        self.name = name
        self.host = host
    }
}

/// One session as the list returns it.
///
/// Only `id` is always present. A field that is absent, null or of an undocumented type is nil (`image` and `location`
/// are empty), so that one malformed entry does not hide the others.
public struct SessionEntry: Sendable, Equatable, Identifiable {
    /// The session's identifier: any text, not empty.
    public var id: String
    /// Name of the image; empty when neither the entry nor its platform labels have one.
    public var image: String
    /// The image's version, from the platform labels if the entry itself has none.
    public var tag: String?
    /// The region or data center; empty when neither the entry nor its platform labels have one.
    public var location: String
    /// Address of the host machine.
    public var host: String?
    /// When the session was created, in milliseconds since 1970. A value in seconds is recognized and converted.
    public var created: Int64?
    /// Exposed ports, ordered by name.
    public var ports: [SessionPort]
    /// The container's status; the list may leave it out.
    public var status: SessionStatus?
    /// The labels, without the container's environment unless the reader keeps it.
    public var labels: SessionLabels
    /// Number of players that joined.
    public var playerCount: Int?

    /// Creates an entry.
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

    /// Fills fields that the entry lacks from the platform labels.
    mutating func fillFromPlatformLabels() {
        guard !labels.platform.isEmpty else { return }
        if tag == nil { tag = labels.platform["tag"] }
        if image.isEmpty, let known = labels.platform["image"] { image = known }
        if location.isEmpty, let known = labels.platform["region"] { location = known }
    }
}

/// One session as describe-session returns it.
public struct SessionDescription: Sendable, Equatable {
    /// The fields that the list has too.
    public var session: SessionEntry
    /// Identifiers of the players that joined; nil when the server does not say.
    public var playersJoined: [String]?
    /// Number of players that joined; nil when the server does not say.
    public var playersJoinedCount: Int?

    /// Creates a description.
    public init(session: SessionEntry, playersJoined: [String]? = nil, playersJoinedCount: Int? = nil) {
        self.session = session
        self.playersJoined = playersJoined
        self.playersJoinedCount = playersJoinedCount
    }
}

/// A list of sessions in memory. For long lists use ``SessionListDecoder``.
public struct SessionList: Sendable, Equatable {
    /// The sessions in the server's order.
    public var sessions: [SessionEntry]
    /// Number of entries left out because they are not objects or have no usable id.
    public var rejected: Int

    /// Creates a list.
    public init(sessions: [SessionEntry], rejected: Int = 0) {
        self.sessions = sessions
        self.rejected = rejected
    }
}

/// Converts numbers of the API to values.
enum WireNumber {
    /// Milliseconds since 1970 of a `created` number. The API documents milliseconds; a value that would mean a time
    /// before March 1973 is read as seconds. Nil unless the result is between March 1973 and the end of 9999.
    static func milliseconds(_ value: Double) -> Int64? {
        let milliseconds = value < 100_000_000_000 ? value * 1000 : value
        guard milliseconds >= 100_000_000_000, milliseconds < 253_402_300_800_000 else { return nil }
        return Int64(milliseconds)
    }

    /// A host port; nil when the number is fractional or not from 0 to 65535.
    static func port(_ value: Double) -> Int? {
        guard value >= 0, value <= 65_535 else { return nil }
        return Int(exactly: value)
    }

    /// A count; nil when the number is fractional or out of range.
    static func count(_ value: Double) -> Int? {
        guard value > -9e15, value < 9e15 else { return nil }
        return Int(exactly: value)
    }
}
