/// What session-run is asked for.
public struct SessionRunRequest: Sendable, Equatable, Codable {
    /// The session's identifier; the server makes one up when there is none.
    public var id: String?
    /// Where to run.
    public var location: String
    /// Name of the image.
    public var image: String
    /// Environment of the container. It comes back in the labels of every list: no place for long-lived secrets.
    public var env: [String: String]?
    /// Arguments of the program.
    public var args: [String]?
    /// Whether the session is started again when it fails.
    public var restart: Bool?
    /// Labels of the session.
    public var labels: [String: String]?
    /// Version of the image; the one with the highest priority when there is none.
    public var version: String?
    /// How long the session may live, such as `2h30m`.
    public var ttl: String?
    /// An identifier of the caller's own.
    public var externalID: String?

    enum CodingKeys: String, CodingKey {
        case id
        case location
        case image
        case env
        case args
        case restart
        case labels
        case version
        case ttl
        case externalID = "external_id"
    }

    /// A request from its parts; what is nil is not sent.
    public init(
        location: String, image: String, id: String? = nil, version: String? = nil, env: [String: String]? = nil,
        args: [String]? = nil, labels: [String: String]? = nil, restart: Bool? = nil, ttl: String? = nil,
        externalID: String? = nil
    ) {
        self.location = location
        self.image = image
        self.id = id
        self.version = version
        self.env = env
        self.args = args
        self.labels = labels
        self.restart = restart
        self.ttl = ttl
        self.externalID = externalID
    }
}

/// What session-run answers.
public struct StartedSession: Sendable, Equatable, Codable {
    /// One mapped port.
    public struct Port: Sendable, Equatable, Codable {
        /// Protocol: `tcp` or `udp`.
        public var type: String
        /// The container's port.
        public var container: Int
        /// The host's port.
        public var host: Int
    }

    /// The session's identifier; the requested one when the server leaves it out.
    public var id: String?
    /// Address of the host machine.
    public var host: String
    /// Mapped ports.
    public var ports: [Port]

    /// Reads the API's form; `id` and `ports` may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.text(.id)
        host = try container.text(.host) ?? ""
        ports = (try? container.decode([Tolerant<Port>].self, forKey: .ports))?.compactMap(\.value) ?? []
    }
}

/// Which sessions session-list is asked for. What is nil or empty is not sent.
public struct SessionListQuery: Sendable, Equatable {
    /// Sessions of every status rather than running ones only.
    public var all: Bool?
    /// Only this location.
    public var location: String?
    /// Only this image.
    public var image: String?
    /// Only this version.
    public var tag: String?
    /// Only this host address.
    public var host: String?
    /// Only sessions with fewer players.
    public var playersLessThan: Int?
    /// Only sessions with more players.
    public var playersGreaterThan: Int?
    /// Only sessions with these labels (or, on some servers, fields); equality, all must hold.
    public var filter: [String: String]
    /// Only sessions without these labels or fields. In the API's prose but not in its description: a server may
    /// ignore it.
    public var filterNot: [String: String]

    /// A query from its parts.
    public init(
        all: Bool? = nil, location: String? = nil, image: String? = nil, tag: String? = nil, host: String? = nil,
        playersLessThan: Int? = nil, playersGreaterThan: Int? = nil, filter: [String: String] = [:],
        filterNot: [String: String] = [:]
    ) {
        self.all = all
        self.location = location
        self.image = image
        self.tag = tag
        self.host = host
        self.playersLessThan = playersLessThan
        self.playersGreaterThan = playersGreaterThan
        self.filter = filter
        self.filterNot = filterNot
    }

    func add(to endpoint: inout Endpoint) {
        endpoint.query("all", all.map { $0 ? "true" : "false" })
        endpoint.query("location", location)
        endpoint.query("image", image)
        endpoint.query("tag", tag)
        endpoint.query("host", host)
        endpoint.query("playerCount[lt]", playersLessThan.map(String.init))
        endpoint.query("playerCount[gt]", playersGreaterThan.map(String.init))
        for (key, value) in filter.sorted(by: { $0.key < $1.key }) { endpoint.query("filter[\(key)]", value) }
        for (key, value) in filterNot.sorted(by: { $0.key < $1.key }) { endpoint.query("filterNot[\(key)]", value) }
    }
}

/// The players of a session after join-session or leave-session.
public struct PlayerRoster: Sendable, Equatable, Codable {
    /// Players in the session now.
    public var count: Int
    /// The players that joined or left.
    public var players: [String]
}

/// A location that can host an image now.
public struct AvailableLocation: Sendable, Equatable, Codable {
    /// The location's name.
    public var id: String
    /// Addresses that answer pings, to measure the latency with.
    public var ips: [String]

    /// Reads the API's form; `ips` may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        ips = (try? container.decode([Tolerant<String>].self, forKey: .ips))?.compactMap(\.value) ?? []
    }
}

struct AvailableLocations: Decodable {
    var locations: [AvailableLocation]

    enum CodingKeys: String, CodingKey {
        case locations
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        locations = try container.decode([Tolerant<AvailableLocation>].self, forKey: .locations).compactMap(\.value)
    }
}

struct TagAnswer: Decodable {
    var exists: Bool
}

struct PlayersRequest: Encodable {
    var session: String?
    var players: [String]
}
