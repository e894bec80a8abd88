public import Text

/// Who a session is: the facts that the API gives of it, that rules match and that packs and the catalog record.
public struct SessionIdentity: Sendable, Hashable, Codable {
    /// The session's id in the API, or the ledger's key of the run in everything that is stored. The two differ only when
    /// the API has used an id again.
    public var id: String
    /// The image, as the API names it; empty when unknown.
    public var image: String
    /// The image's version, if known.
    public var tag: String?
    /// The region, if known.
    public var location: String?
    /// The machine's address, if known.
    public var host: String?
    /// The user's labels; never the container's environment.
    public var labels: ByteDictionary<String>
    /// When the container was created, in milliseconds since 1970, if known.
    public var created: Int64?

    /// Creates a value; only the id is required.
    public init(
        id: String, image: String = "", tag: String? = nil, location: String? = nil, host: String? = nil,
        labels: ByteDictionary<String> = [:], created: Int64? = nil
    ) {
        self.id = id
        self.image = image
        self.tag = tag
        self.location = location
        self.host = host
        self.labels = labels
        self.created = created
    }

    /// Fills in the facts that are unknown here and known in `other`. A known fact is never replaced.
    package mutating func merge(from other: SessionIdentity) {
        if image.isEmpty { image = other.image }
        if tag == nil { tag = other.tag }
        if location == nil { location = other.location }
        if host == nil { host = other.host }
        if labels.isEmpty { labels = other.labels }
        if created == nil { created = other.created }
    }

    /// Returns the same facts under another id.
    package func withID(_ id: String) -> SessionIdentity {
        var identity = self
        identity.id = id
        return identity
    }

    /// The names of the fields in packs and in the spool.
    package enum CodingKeys: String, CodingKey {
        case id = "session"
        case image
        case tag
        case location
        case host
        case labels
        case created
    }
}
