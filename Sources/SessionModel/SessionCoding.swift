import Text

/// A coding key with any name.
package struct AnyKey: CodingKey {
    /// The name.
    package var stringValue: String
    /// Always nil.
    package var intValue: Int? { nil }
    /// Makes the key of a name.
    package init(_ value: String) { stringValue = value }
    /// Makes the key of a name.
    package init?(stringValue: String) { self.stringValue = stringValue }
    /// Makes nothing: JSON's keys are names.
    package init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer {
    /// The string of a key; nil when it is absent, null or of another type.
    func text(_ key: Key) throws -> String? {
        do {
            return try decodeIfPresent(String.self, forKey: key)
        } catch is DecodingError {
            return nil
        }
    }

    /// The number of a key; nil when it is absent, null or of another type.
    func double(_ key: Key) throws -> Double? {
        do {
            return try decodeIfPresent(Double.self, forKey: key)
        } catch is DecodingError {
            return nil
        }
    }

    /// The object of a key; nil when it is absent, null or of another type.
    func object(_ key: Key) throws -> KeyedDecodingContainer<AnyKey>? {
        do {
            return try nestedContainer(keyedBy: AnyKey.self, forKey: key)
        } catch is DecodingError {
            return nil
        }
    }
}

/// A value that is nil when it cannot be decoded.
struct Tolerant<Value: Decodable>: Decodable {
    var value: Value?

    init(from decoder: any Decoder) throws {
        do {
            value = try Value(from: decoder)
        } catch is DecodingError {
            value = nil
        }
    }
}

extension CodingUserInfoKey {
    /// When `true` in a decoder's `userInfo`, ``SessionLabels`` keeps the container's environment.
    public static let keepsSessionEnvironment = CodingUserInfoKey(unchecked: "salvage.keepsSessionEnvironment")

    private init(unchecked name: String) {
        // The initializer is failable but accepts any text.
        guard let key = CodingUserInfoKey(rawValue: name) else { preconditionFailure("cannot create a key") }
        self = key
    }
}

extension SessionLabels: Codable {
    /// Decodes the API's form; see the type for what is kept.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        var builder = SessionLabelsBuilder()
        let keeps = decoder.userInfo[.keepsSessionEnvironment] as? Bool ?? false
        var reader = LabelTextReader(keepsEnvironment: keeps)
        for key in container.allKeys {
            let name = SessionLabelsBuilder.Name(key.stringValue)
            guard var text = try container.text(key) else {
                builder.take(name, nil, using: &reader)
                continue
            }
            text.withUTF8 { builder.take(name, UnsafeRawBufferPointer($0), using: &reader) }
        }
        self = builder.finish()
    }

    /// Encodes the API's form: `tags` and `gameye` as JSON text, `env` with the session id only, or whole if it was
    /// kept.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        for label in other { try container.encode(label.value, forKey: AnyKey(label.key)) }
        if !tags.isEmpty { try container.encode(JSONWriter.object(tags), forKey: AnyKey("tags")) }
        if !platform.isEmpty { try container.encode(JSONWriter.object(platform), forKey: AnyKey("gameye")) }
        if !environment.isEmpty {
            try container.encode(JSONWriter.object(environment), forKey: AnyKey("env"))
        } else if let environmentSessionID {
            let environment: LabelSet = [Self.sessionIDKey: environmentSessionID]
            try container.encode(JSONWriter.object(environment), forKey: AnyKey("env"))
        }
    }
}

extension SessionEntry: Codable {
    enum CodingKeys: String, CodingKey {
        case id
        case image
        case tag
        case location
        case host
        case created
        case port
        case status
        case labels
        case playerCount
    }

    /// Decodes the API's form. Throws when there is no usable `id`; every other field may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // Read all fields before checking the id, so that damage anywhere in the entry is noticed.
        let id = try container.text(.id)
        let image = try container.text(.image) ?? ""
        let tag = try container.text(.tag)
        let location = try container.text(.location) ?? ""
        let host = try container.text(.host)
        let created = try container.double(.created).flatMap(WireNumber.milliseconds)
        let status = try container.text(.status).map(SessionStatus.init(rawValue:))
        let playerCount = try container.double(.playerCount).flatMap(WireNumber.count)
        var ports: [SessionPort] = []
        if let object = try container.object(.port) {
            for key in object.allKeys {
                guard let host = try object.double(key).flatMap(WireNumber.port) else { continue }
                ports.append(SessionPort(name: key.stringValue, host: host))
            }
            ports.sort { $0.name.precedesInBytes($1.name) }
        }
        let labels = try container.decodeIfPresent(Tolerant<SessionLabels>.self, forKey: .labels)?.value
        guard let id, !id.isEmpty else {
            guard container.contains(.id) else {
                throw DecodingError.keyNotFound(
                    CodingKeys.id, .init(codingPath: container.codingPath, debugDescription: "a session without an id"))
            }
            throw DecodingError.dataCorruptedError(
                forKey: .id, in: container, debugDescription: "is not a string, or is empty")
        }
        self.init(
            id: id, image: image, tag: tag, location: location, host: host, created: created, ports: ports,
            status: status, labels: labels ?? SessionLabels(), playerCount: playerCount)
        fillFromPlatformLabels()
    }

    /// Encodes the API's form. Absent fields are left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        if !image.isEmpty { try container.encode(image, forKey: .image) }
        try container.encodeIfPresent(tag, forKey: .tag)
        if !location.isEmpty { try container.encode(location, forKey: .location) }
        try container.encodeIfPresent(host, forKey: .host)
        try container.encodeIfPresent(created, forKey: .created)
        var port = container.nestedContainer(keyedBy: AnyKey.self, forKey: .port)
        for mapping in ports { try port.encode(mapping.host, forKey: AnyKey(mapping.name)) }
        try container.encodeIfPresent(status, forKey: .status)
        try container.encode(labels, forKey: .labels)
        try container.encodeIfPresent(playerCount, forKey: .playerCount)
    }
}

extension SessionDescription: Codable {
    enum CodingKeys: String, CodingKey {
        case players
    }

    /// Decodes the API's form. Throws when there is no usable `id`; every other field may be missing and is then nil.
    public init(from decoder: any Decoder) throws {
        session = try SessionEntry(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let players = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: .players) else { return }
        playersJoined = try? players.decode([String].self, forKey: AnyKey("joined"))
        playersJoinedCount = try players.double(AnyKey("joinedCount")).flatMap(WireNumber.count)
    }

    /// Encodes the API's form. Absent fields are left out.
    public func encode(to encoder: any Encoder) throws {
        try session.encode(to: encoder)
        guard playersJoined != nil || playersJoinedCount != nil else { return }
        var container = encoder.container(keyedBy: CodingKeys.self)
        var players = container.nestedContainer(keyedBy: AnyKey.self, forKey: .players)
        try players.encodeIfPresent(playersJoined, forKey: AnyKey("joined"))
        try players.encodeIfPresent(playersJoinedCount, forKey: AnyKey("joinedCount"))
    }
}

extension SessionList: Codable {
    enum CodingKeys: String, CodingKey {
        case sessions
    }

    /// Decodes the API's form. Throws when there is no array `sessions`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var list = try container.nestedUnkeyedContainer(forKey: .sessions)
        sessions = []
        rejected = 0
        while !list.isAtEnd {
            if let entry = try list.decode(Tolerant<SessionEntry>.self).value {
                sessions.append(entry)
            } else {
                rejected += 1
            }
        }
    }

    /// Encodes the API's form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sessions, forKey: .sessions)
    }
}

/// Writes small JSON texts.
enum JSONWriter {
    /// Labels as a JSON object of strings.
    static func object(_ labels: LabelSet) -> String {
        "{" + labels.map { string($0.key) + ":" + string($0.value) }.joined(separator: ",") + "}"
    }

    private static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
