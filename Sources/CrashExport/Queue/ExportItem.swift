/// A crash that waits to be sent.
public struct ExportItem: Sendable, Equatable {
    /// The crash's id.
    public var crash: String
    /// Its session's id.
    public var session: String
    /// When it was queued (ms since 1970).
    public var since: Int64
    /// Whether its minidump is to be sent with it, if it has one.
    public var minidump: Bool
    /// Why its minidump is left out although it was wanted; nil if it is not.
    public var leftOut: String?
    /// Tries that failed.
    public var failures = 0
    /// When the next try may begin (ms since 1970).
    public var next: Int64 = 0
    /// When the last try failed (ms since 1970); nil before.
    var failed: Int64?

    /// Creates it.
    public init(crash: String, session: String, since: Int64, minidump: Bool) {
        self.crash = crash
        self.session = session
        self.since = since
        self.minidump = minidump
    }

    /// Leaves the minidump out.
    mutating func leaveOut(_ reason: String) {
        minidump = false
        leftOut = reason
    }
}

/// How a try to send a crash ended. No text in it has a part of the DSN.
public enum SendOutcome: Sendable, Equatable {
    /// The service took it, with its minidump or without; `note` says why a wanted minidump was left out.
    case sent(minidump: Bool, note: String?)
    /// A later try may succeed; not before `after` milliseconds if the service said so.
    case failed(reason: String, after: Int64? = nil)
    /// The store cannot read it now; the service is not concerned.
    case unreadable(reason: String)
    /// The service limits what it takes; its limits are given beside the outcome.
    case limited(reason: String)
    /// The service says that the request is too large.
    case tooLarge(reason: String)
    /// The service refuses it.
    case refused(reason: String)
    /// There is nothing to send, such as when it is not in the store any longer; the service was not asked.
    case gone(reason: String)
    /// Nothing can be sent until people change something: no usable DSN, or the service does not accept it.
    case paused(reason: String)
}
