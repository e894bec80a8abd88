/// Metadata of the session that a member belongs to.
public struct CrashContext: Sendable, Equatable {
    /// Session id.
    public var session: String?
    /// Image.
    public var image: String?
    /// Tag.
    public var tag: String?
    /// Location.
    public var location: String?
    /// When the session began, milliseconds since 1970; dates timestamps that have no date.
    public var created: Int64?
    /// When the session ended, milliseconds since 1970; the time of a crash that has no other.
    public var exited: Int64?
    /// When the member was last changed, milliseconds since 1970; for a dump, when it was written.
    public var modified: Int64?

    /// Creates a context; every part may be nil.
    public init(
        session: String? = nil, image: String? = nil, tag: String? = nil, location: String? = nil,
        created: Int64? = nil, exited: Int64? = nil, modified: Int64? = nil
    ) {
        self.session = session
        self.image = image
        self.tag = tag
        self.location = location
        self.created = created
        self.exited = exited
        self.modified = modified
    }
}

extension CrashContext {
    /// The earliest time that a log's timestamps without a date can mean: the session's start, else a day before the
    /// log was last written or the session ended. Nil if none is known.
    var logBegan: Int64? { created ?? (modified ?? exited).map { $0 &- 86_399_000 } }
}
