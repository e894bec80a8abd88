import JSON
public import Model
import Text

extension JSONValue {
    /// Reads a section of a pack. Throws `damagedSection`.
    fileprivate init(section bytes: [UInt8]) throws(PackError) {
        do throws(JSONFault) {
            try self.init(parsing: bytes)
        } catch {
            throw PackError(.damagedSection, "JSON: \(error.reason)", offset: UInt64(error.offset))
        }
    }
}

extension SessionMetadata {
    /// The facts as the JSON object that is stored in a pack.
    public var json: [UInt8] {
        var line = JSONLine()
        identity.add(to: &line)
        line.add(CodingKeys.exited.rawValue, exited)
        line.add(CodingKeys.firstSeenExited.rawValue, firstSeenExited)
        line.add(CodingKeys.lastLogged.rawValue, lastLogged)
        line.add(CodingKeys.deadline.rawValue, deadline)
        line.add(CodingKeys.state.rawValue, state)
        line.add(CodingKeys.reason.rawValue, reason)
        line.add(CodingKeys.source.rawValue, source)
        return line.utf8
    }

    /// Decodes that JSON object; unknown fields are ignored. Throws `damagedSection`.
    public init(json: [UInt8]) throws(PackError) {
        let value = try JSONValue(section: json)
        func text(_ key: CodingKeys) -> String? { value[key.rawValue]?.string }
        func time(_ key: CodingKeys) -> Int64? { value[key.rawValue]?.int64 }
        guard let identity = SessionIdentity(value) else {
            throw PackError(.damagedSection, "the session metadata has no session id")
        }
        self.init(identity)
        exited = time(.exited)
        firstSeenExited = time(.firstSeenExited)
        lastLogged = time(.lastLogged)
        deadline = time(.deadline)
        state = text(.state)
        reason = text(.reason)
        source = text(.source)
    }
}

extension SessionIdentity {
    fileprivate func add(to line: inout JSONLine) {
        line.add(CodingKeys.id.rawValue, id)
        line.add(CodingKeys.image.rawValue, image)
        line.add(CodingKeys.tag.rawValue, tag)
        line.add(CodingKeys.location.rawValue, location)
        line.add(CodingKeys.host.rawValue, host)
        line.add(CodingKeys.labels.rawValue, labels)
        line.add(CodingKeys.created.rawValue, created)
    }

    /// Reads the fields of an object; nil without an id.
    fileprivate init?(_ value: JSONValue) {
        func text(_ key: CodingKeys) -> String? { value[key.rawValue]?.string }
        guard let id = text(.id) else { return nil }
        self.init(
            id: id, image: text(.image) ?? "", tag: text(.tag), location: text(.location), host: text(.host),
            created: value[CodingKeys.created.rawValue]?.int64)
        for label in value[CodingKeys.labels.rawValue]?.members ?? [] where labels[label.name] == nil {
            labels[label.name] = label.value.string
        }
    }
}

extension ArtifactEntry {
    private var line: JSONLine {
        var line = JSONLine()
        line.add(CodingKeys.artifact.rawValue, artifact)
        line.add(CodingKeys.state.rawValue, state.rawValue)
        line.add(CodingKeys.reason.rawValue, reason)
        line.add(CodingKeys.status.rawValue, status)
        line.add(CodingKeys.identifier.rawValue, identifier)
        line.add(CodingKeys.tries.rawValue, tries)
        line.add(CodingKeys.bytes.rawValue, bytes)
        line.add(CodingKeys.firstTry.rawValue, firstTry)
        line.add(CodingKeys.lastTry.rawValue, lastTry)
        line.add(CodingKeys.verdict.rawValue, verdict?.rawValue)
        line.add(CodingKeys.flags.rawValue, flags)
        line.add(CodingKeys.sha256.rawValue, sha256)
        return line
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
        verdict = text(.verdict).map(ArchiveVerdict.init(rawValue:))
        flags = value[CodingKeys.flags.rawValue]?.array?.compactMap(\.string) ?? []
        sha256 = text(.sha256)
    }

    /// Encodes entries as the JSON array that is stored in a pack.
    public static func json(_ entries: [ArtifactEntry]) -> [UInt8] { JSONLine.array(entries.map(\.line)) }

    /// Decodes that JSON array; unknown fields are ignored. Throws `damagedSection`.
    public static func entries(json: [UInt8]) throws(PackError) -> [ArtifactEntry] {
        guard let values = try JSONValue(section: json).array else {
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
