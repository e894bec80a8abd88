public import Text

/// A value about one session: who the session is, and facts of its own. The facts of ``SessionIdentity`` are properties of
/// the value as well.
public protocol IdentifiedSession {
    /// Who the session is.
    var identity: SessionIdentity { get set }
}

extension IdentifiedSession {
    /// The session's id; see ``SessionIdentity/id``.
    @inlinable
    public var session: String {
        get { identity.id }
        set { identity.id = newValue }
    }

    /// The image; empty when unknown.
    @inlinable
    public var image: String {
        get { identity.image }
        set { identity.image = newValue }
    }

    /// The image's version, if known.
    @inlinable
    public var tag: String? {
        get { identity.tag }
        set { identity.tag = newValue }
    }

    /// The region, if known.
    @inlinable
    public var location: String? {
        get { identity.location }
        set { identity.location = newValue }
    }

    /// The machine's address, if known.
    @inlinable
    public var host: String? {
        get { identity.host }
        set { identity.host = newValue }
    }

    /// The user's labels; never the container's environment.
    @inlinable
    public var labels: ByteDictionary<String> {
        get { identity.labels }
        // Adds a label in place; a setter would copy all of them.
        _modify { yield &identity.labels }
    }

    /// When the container was created, in milliseconds since 1970, if known.
    @inlinable
    public var created: Int64? {
        get { identity.created }
        set { identity.created = newValue }
    }
}
