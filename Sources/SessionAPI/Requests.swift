internal import Text

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The request body of session-run.
public struct SessionRunRequest: Sendable, Equatable, Codable {
    /// The session's identifier; when nil, ``SessionAPIClient/sessionRun(_:)`` generates one.
    public var id: String?
    /// Where to run.
    public var location: String
    /// Name of the image.
    public var image: String
    /// Environment of the container. The API repeats it in the labels of every list: do not put long-lived secrets in
    /// it.
    public var env: [String: String]?
    /// Arguments of the program.
    public var args: [String]?
    /// Whether the session is started again when it fails.
    public var restart: Bool?
    /// Labels of the session.
    public var labels: [String: String]?
    /// Version of the image; when nil, the version with the highest priority.
    public var version: String?
    /// How long the session may run: numbers with the units `h` and `m`, such as `2h30m`.
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

    /// Creates a request. Fields that are nil are not sent.
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

extension SessionRunRequest {
    /// Returns the request with an id: its own, or a new lower-case UUIDv4. With an id, a session whose start response
    /// was lost can be found, and repeating the request does not start a second one.
    public func identified() -> SessionRunRequest {
        guard id == nil else { return self }
        var request = self
        request.id = UUID().uuidString.lowercased()
        return request
    }
}

/// The response of session-run.
public struct StartedSession: Sendable, Equatable, Codable {
    /// One mapped port.
    public struct Port: Sendable, Equatable, Codable {
        /// Protocol: `tcp` or `udp`.
        public var type: String
        /// The container's port, 1 to 65535.
        public var container: Int
        /// The host's port, 1 to 65535.
        public var host: Int

        enum CodingKeys: String, CodingKey {
            case type
            case container
            case host
        }

        /// Creates a port mapping.
        public init(type: String, container: Int, host: Int) {
            self.type = type
            self.container = container
            self.host = host
        }

        /// Decodes the API's form. Throws when a field is missing or a number is not a port.
        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            type = try values.decode(String.self, forKey: .type)
            container = try Self.number(values, .container)
            host = try Self.number(values, .host)
        }

        private static func number(
            _ values: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
        ) throws -> Int {
            let number = try values.decode(Int.self, forKey: key)
            guard (1...65_535).contains(number) else {
                throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "is not a valid port")
            }
            return number
        }
    }

    /// The session's identifier: the server's, or the one that was sent if the server does not return it.
    public var id: String
    /// Address of the host machine.
    public var host: String
    /// Mapped ports.
    public var ports: [Port]

    /// Creates a started session.
    public init(id: String, host: String, ports: [Port] = []) {
        self.id = id
        self.host = host
        self.ports = ports
    }
}

/// The response of session-run as the server sends it, where the id may be missing.
struct StartedAnswer: Decodable {
    var id: String?
    var host: String
    var ports: [StartedSession.Port]

    enum CodingKeys: String, CodingKey {
        case id
        case host
        case ports
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decodeIfPresent(String.self, forKey: .id)
        host = try values.decode(String.self, forKey: .host)
        guard !host.isEmpty else {
            throw DecodingError.dataCorruptedError(forKey: .host, in: values, debugDescription: "is empty")
        }
        ports = try values.decode([StartedSession.Port].self, forKey: .ports)
    }
}

/// Which sessions session-list returns. Fields that are nil or empty are not sent.
public struct SessionListQuery: Sendable, Equatable {
    /// Sessions of every status instead of running ones only.
    public var all: Bool?
    /// Only this location.
    public var location: String?
    /// Only this image.
    public var image: String?
    /// Only this version.
    public var tag: String?
    /// Only this host address.
    public var host: String?
    /// Only sessions with fewer players than this.
    public var playersLessThan: Int?
    /// Only sessions with more players than this.
    public var playersGreaterThan: Int?
    /// Only sessions with all of these labels (or, on some servers, fields), compared for equality.
    public var filter: [String: String]
    /// Only sessions without these labels or fields. The API's prose documents it but its description does not: a
    /// server may ignore it.
    public var filterNot: [String: String]
    /// Only sessions that have all of these labels, with any value.
    public var carrying: [String]
    /// Only sessions that have none of these labels. Like ``filterNot``, not in the API's description.
    public var carryingNone: [String]

    /// Creates a query.
    public init(
        all: Bool? = nil, location: String? = nil, image: String? = nil, tag: String? = nil, host: String? = nil,
        playersLessThan: Int? = nil, playersGreaterThan: Int? = nil, filter: [String: String] = [:],
        filterNot: [String: String] = [:], carrying: [String] = [], carryingNone: [String] = []
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
        self.carrying = carrying
        self.carryingNone = carryingNone
    }

    func add(to endpoint: inout Endpoint) {
        endpoint.query("all", all.map { $0 ? "true" : "false" })
        endpoint.query("location", location)
        endpoint.query("image", image)
        endpoint.query("tag", tag)
        endpoint.query("host", host)
        endpoint.query("playerCount[lt]", playersLessThan.map(String.init))
        endpoint.query("playerCount[gt]", playersGreaterThan.map(String.init))
        for (key, value) in filter.sorted(by: { $0.key.precedesInBytes($1.key) }) {
            endpoint.query("filter[\(key)]", value)
        }
        for (key, value) in filterNot.sorted(by: { $0.key.precedesInBytes($1.key) }) {
            endpoint.query("filterNot[\(key)]", value)
        }
        for key in carrying { endpoint.query("filter[]", key) }
        for key in carryingNone { endpoint.query("filterNot[]", key) }
    }
}

/// The response of join-session and leave-session.
public struct PlayerRoster: Sendable, Equatable, Codable {
    /// After join-session: players now in the session. After leave-session: the total of players who remain in the
    /// sessions that these players left; 0 when none of them was in a session.
    public var count: Int
    /// The players that joined or left.
    public var players: [String]

    /// Creates a roster.
    public init(count: Int, players: [String]) {
        self.count = count
        self.players = players
    }
}

/// A location that can currently host an image.
public struct AvailableLocation: Sendable, Equatable, Codable {
    /// The location's name.
    public var id: String
    /// Addresses that reply to pings, to measure latency.
    public var ips: [String]

    /// Creates a location.
    public init(id: String, ips: [String] = []) {
        self.id = id
        self.ips = ips
    }
}

struct AvailableLocations: Decodable {
    var locations: [AvailableLocation]
}

struct TagAnswer: Decodable {
    var exists: Bool
}

struct PlayersRequest: Encodable {
    var session: String?
    var players: [String]
}
