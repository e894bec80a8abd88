public import Model
import Text

/// Collects the fields of an object, leaving out absent ones.
private struct FieldList {
    var fields: [(key: String, value: JSONValue)] = []

    mutating func add(_ key: some RawRepresentable<String>, _ text: String?) {
        if let text { fields.append((key.rawValue, .string(text))) }
    }

    mutating func add(_ key: some RawRepresentable<String>, _ number: Int64?) {
        if let number { fields.append((key.rawValue, .integer(number))) }
    }
}

extension SessionMetadata {
    /// The facts as the JSON object that is stored in a pack.
    public var json: [UInt8] {
        var list = FieldList()
        list.add(CodingKeys.session, session)
        list.add(CodingKeys.image, image)
        list.add(CodingKeys.tag, tag)
        list.add(CodingKeys.location, location)
        list.add(CodingKeys.host, host)
        let sorted = labels.sortedByKey.map { (key: $0.key, value: JSONValue.string($0.value)) }
        list.fields.append((CodingKeys.labels.rawValue, .object(sorted)))
        list.add(CodingKeys.created, created)
        list.add(CodingKeys.exited, exited)
        list.add(CodingKeys.firstSeenExited, firstSeenExited)
        list.add(CodingKeys.lastLogged, lastLogged)
        list.add(CodingKeys.deadline, deadline)
        list.add(CodingKeys.state, state)
        list.add(CodingKeys.reason, reason)
        list.add(CodingKeys.source, source)
        return Array(JSONValue.object(list.fields).text.utf8)
    }

    /// Decodes that JSON object; unknown fields are ignored. Throws `damagedSection`.
    public init(json: [UInt8]) throws(PackError) {
        let value = try JSONParser.parse(json)
        func text(_ key: CodingKeys) -> String? { value[key.rawValue]?.string }
        func time(_ key: CodingKeys) -> Int64? { value[key.rawValue]?.int64 }
        guard let session = text(.session) else {
            throw PackError(.damagedSection, "the session facts have no session id")
        }
        self.init(session: session)
        image = text(.image) ?? ""
        tag = text(.tag)
        location = text(.location)
        host = text(.host)
        if case .object(let fields)? = value[CodingKeys.labels.rawValue] {
            for field in fields { labels[field.key] = field.value.string }
        }
        created = time(.created)
        exited = time(.exited)
        firstSeenExited = time(.firstSeenExited)
        lastLogged = time(.lastLogged)
        deadline = time(.deadline)
        state = text(.state)
        reason = text(.reason)
        source = text(.source)
    }
}

extension ArtifactEntry {
    private var fields: JSONValue {
        var list = FieldList()
        list.add(CodingKeys.artifact, artifact)
        list.add(CodingKeys.state, state.rawValue)
        list.add(CodingKeys.reason, reason)
        list.add(CodingKeys.status, status.map(Int64.init))
        list.add(CodingKeys.identifier, identifier)
        list.add(CodingKeys.tries, Int64(tries))
        list.fields.append((CodingKeys.bytes.rawValue, .unsigned(bytes)))
        list.add(CodingKeys.firstTry, firstTry)
        list.add(CodingKeys.lastTry, lastTry)
        list.add(CodingKeys.verdict, verdict)
        list.fields.append((CodingKeys.flags.rawValue, .array(flags.map(JSONValue.string))))
        list.add(CodingKeys.sha256, sha256)
        return .object(list.fields)
    }

    private init?(_ value: JSONValue) {
        func text(_ key: CodingKeys) -> String? { value[key.rawValue]?.string }
        func whole(_ key: CodingKeys) -> Int64? { value[key.rawValue]?.int64 }
        guard let artifact = text(.artifact) else { return nil }
        self.init(artifact: artifact)
        // A state from a later version is at least not a known good one.
        state = text(.state).flatMap(ArtifactState.init(rawValue:)) ?? .failed
        reason = text(.reason)
        status = whole(.status).flatMap(Int.init(exactly:))
        identifier = text(.identifier)
        tries = whole(.tries).flatMap(Int.init(exactly:)) ?? 0
        bytes = value[CodingKeys.bytes.rawValue]?.uint64 ?? 0
        firstTry = whole(.firstTry)
        lastTry = whole(.lastTry)
        verdict = text(.verdict)
        flags = value[CodingKeys.flags.rawValue]?.array?.compactMap(\.string) ?? []
        sha256 = text(.sha256)
    }

    /// Encodes entries as the JSON array that is stored in a pack.
    public static func json(_ entries: [ArtifactEntry]) -> [UInt8] {
        Array(JSONValue.array(entries.map(\.fields)).text.utf8)
    }

    /// Decodes that JSON array; unknown fields are ignored. Throws `damagedSection`.
    public static func entries(json: [UInt8]) throws(PackError) -> [ArtifactEntry] {
        guard let values = try JSONParser.parse(json).array else {
            throw PackError(.damagedSection, "the artifacts are not a list")
        }
        var entries: [ArtifactEntry] = []
        for value in values {
            guard let entry = ArtifactEntry(value) else {
                throw PackError(.damagedSection, "an artifact has no name")
            }
            entries.append(entry)
        }
        return entries
    }
}
