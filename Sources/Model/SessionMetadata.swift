public import Text

/// The session facts in a pack, stored as JSON in its footer with the names of `CodingKeys`, after those of the identity.
public struct SessionMetadata: IdentifiedSession, Sendable, Equatable {
    /// Who the session is.
    public var identity: SessionIdentity
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

    /// Creates the facts of a session; only its identity is required.
    public init(
        _ identity: SessionIdentity, exited: Int64? = nil, firstSeenExited: Int64? = nil, deadline: Int64? = nil,
        state: String? = nil, reason: String? = nil, source: String? = nil
    ) {
        self.identity = identity
        self.exited = exited
        self.firstSeenExited = firstSeenExited
        self.deadline = deadline
        self.state = state
        self.reason = reason
        self.source = source
    }

    /// Creates the facts of a session; only its id is required.
    public init(
        session: String, image: String = "", tag: String? = nil, location: String? = nil, host: String? = nil,
        labels: ByteDictionary<String> = [:], created: Int64? = nil, exited: Int64? = nil,
        firstSeenExited: Int64? = nil, deadline: Int64? = nil, state: String? = nil, reason: String? = nil,
        source: String? = nil
    ) {
        self.init(
            SessionIdentity(
                id: session, image: image, tag: tag, location: location, host: host, labels: labels, created: created),
            exited: exited, firstSeenExited: firstSeenExited, deadline: deadline, state: state, reason: reason,
            source: source)
    }

    package enum CodingKeys: String, CodingKey {
        case exited
        case firstSeenExited = "first_seen_exited"
        case lastLogged = "last_logged"
        case deadline
        case state
        case reason
        case source
    }
}

/// One object with the fields of the identity and its own, as in `session.json` in the spool.
extension SessionMetadata: Codable {
    /// Decodes the object. Throws a `DecodingError` if a field is missing or of another type.
    public init(from decoder: any Decoder) throws {
        self.init(try SessionIdentity(from: decoder))
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        exited = try fields.decodeIfPresent(Int64.self, forKey: .exited)
        firstSeenExited = try fields.decodeIfPresent(Int64.self, forKey: .firstSeenExited)
        lastLogged = try fields.decodeIfPresent(Int64.self, forKey: .lastLogged)
        deadline = try fields.decodeIfPresent(Int64.self, forKey: .deadline)
        state = try fields.decodeIfPresent(String.self, forKey: .state)
        reason = try fields.decodeIfPresent(String.self, forKey: .reason)
        source = try fields.decodeIfPresent(String.self, forKey: .source)
    }

    /// Encodes the object; unknown facts are left out.
    public func encode(to encoder: any Encoder) throws {
        try identity.encode(to: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encodeIfPresent(exited, forKey: .exited)
        try fields.encodeIfPresent(firstSeenExited, forKey: .firstSeenExited)
        try fields.encodeIfPresent(lastLogged, forKey: .lastLogged)
        try fields.encodeIfPresent(deadline, forKey: .deadline)
        try fields.encodeIfPresent(state, forKey: .state)
        try fields.encodeIfPresent(reason, forKey: .reason)
        try fields.encodeIfPresent(source, forKey: .source)
    }
}
