public import Model

/// What is known about a member that is analysed, beside its bytes. Times are milliseconds since 1970.
public struct CrashContext: Sendable, Equatable {
    /// The member's session; nil for a file of no session. Its start dates timestamps that have no date.
    public var session: SessionIdentity?
    /// When the session ended; the time of a crash that has no other.
    public var exited: Int64?
    /// When the member was last changed; for a dump, when it was written.
    public var modified: Int64?

    /// Creates a context; every part may be nil.
    public init(session: SessionIdentity? = nil, exited: Int64? = nil, modified: Int64? = nil) {
        self.session = session
        self.exited = exited
        self.modified = modified
    }
}

extension CrashContext {
    /// The earliest time that a log's timestamps without a date can mean: the session's start, else a day before the
    /// log was last written or the session ended. Nil if none is known.
    var logBegan: Int64? { session?.created ?? (modified ?? exited).map { $0 &- 86_399_000 } }
}
