public import Text

/// The metadata of a session that rules match and packs record.
public struct SessionIdentity: Sendable, Hashable {
    /// The session's id in the API.
    public var id: String
    /// The image, as the API names it.
    public var image: String
    /// The image's version, if the API gave one.
    public var tag: String?
    /// The region.
    public var location: String?
    /// The machine's address.
    public var host: String?
    /// The user's labels; never the container's environment.
    public var labels: ByteDictionary<String>
    /// When the container was created, in milliseconds since 1970.
    public var created: Int64?

    /// Makes a value from its fields.
    public init(
        id: String, image: String, tag: String? = nil, location: String? = nil, host: String? = nil,
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

    /// Fills in the fields that are missing here and set in a later response.
    package mutating func merge(from other: SessionIdentity) {
        if image.isEmpty { image = other.image }
        if tag == nil { tag = other.tag }
        if location == nil { location = other.location }
        if host == nil { host = other.host }
        if labels.isEmpty { labels = other.labels }
        if created == nil { created = other.created }
    }
}
