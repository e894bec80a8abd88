public import Text

/// What is known of a session without its bytes: the fields that rules match and packs record.
public struct SessionIdentity: Sendable, Hashable {
    /// The id under which the API knows the session.
    public var id: String
    /// The image, as the API names it.
    public var image: String
    /// The image's version, where the API said so.
    public var tag: String?
    /// The region.
    public var location: String?
    /// The machine's address.
    public var host: String?
    /// The user's labels; the container's environment is never among them.
    public var labels: ByteDictionary<String>
    /// When the container was created, in milliseconds since 1970.
    public var created: Int64?

    /// Collects the fields.
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

    /// Takes over what a later answer knows and this one did not.
    mutating func learn(from other: SessionIdentity) {
        if image.isEmpty { image = other.image }
        if tag == nil { tag = other.tag }
        if location == nil { location = other.location }
        if host == nil { host = other.host }
        if labels.isEmpty { labels = other.labels }
        if created == nil { created = other.created }
    }
}
