internal import Text

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What session-run is asked for.
public struct SessionRunRequest: Sendable, Equatable, Codable {
    /// The session's identifier; ``SessionAPIClient/sessionRun(_:)`` makes one up when there is none.
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
    /// How long the session may live: numbers with the units `h` and `m`, such as `2h30m`.
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

extension SessionRunRequest {
    /// The request with an id: its own, or a new UUIDv4 in lower case. With an id a session that was started although the
    /// answer was lost can be found, and the same request starts no second one.
    public func identified() -> SessionRunRequest {
        guard id == nil else { return self }
        var request = self
        request.id = UUID().uuidString.lowercased()
        return request
    }
}

/// What session-run answers.
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

        /// A port from its parts.
        public init(type: String, container: Int, host: Int) {
            self.type = type
            self.container = container
            self.host = host
        }

        /// Reads the API's form. Throws when a field is missing or a number is no port.
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
                throw DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: "is no port number")
            }
            return number
        }
    }

    /// The session's identifier: the server's, or the one that was sent where the server does not repeat it.
    public var id: String
    /// Address of the host machine.
    public var host: String
    /// Mapped ports.
    public var ports: [Port]

    /// A started session from its facts.
    public init(id: String, host: String, ports: [Port] = []) {
        self.id = id
        self.host = host
        self.ports = ports
    }
}

/// What session-run answers, as it comes.
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
    /// Only sessions that carry each of these labels, whatever its value.
    public var carrying: [String]
    /// Only sessions that carry none of these labels. Like ``filterNot`` not in the API's description.
    public var carryingNone: [String]

    /// A query from its parts.
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

/// What join-session and leave-session answer.
public struct PlayerRoster: Sendable, Equatable, Codable {
    /// After join-session: players in the session now. After leave-session: players who remain in the sessions that these
    /// players left, added up; 0 when none of them was in a session.
    public var count: Int
    /// The players that joined or left.
    public var players: [String]

    /// A roster from its facts.
    public init(count: Int, players: [String]) {
        self.count = count
        self.players = players
    }
}

/// A location that can host an image now.
public struct AvailableLocation: Sendable, Equatable, Codable {
    /// The location's name.
    public var id: String
    /// Addresses that answer pings, to measure the latency with.
    public var ips: [String]

    /// A location from its facts.
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
