/// A session as recorded in the catalog. Times are milliseconds since 1970 UTC.
public struct SessionRecord: IdentifiedSession, Sendable, Equatable {
    /// Who the session is.
    public var identity: SessionIdentity
    /// When salvage first saw it.
    public var firstSeen: Int64?
    /// When it ended, if known.
    public var exited: Int64?
    /// When salvage first saw it ended.
    public var firstSeenExited: Int64?
    /// When the container is expected to be gone.
    public var deadline: Int64?
    /// The ledger's state.
    public var state: SessionState
    /// Why the state is not `harvested`.
    public var reason: String?
    /// `harvest` or `ingest`.
    public var source: String?
    /// The pack, relative to the store; nil while there is none.
    public var pack: String?
    /// The pack's size on disk, in bytes.
    public var packBytes: UInt64 = 0
    /// Number of members in the pack.
    public var members = 0
    /// The members' total logical size, in bytes.
    public var bytes: UInt64 = 0
    /// Number of crashes found.
    public var crashes = 0
    /// The newest of them.
    public var newestCrash: SessionCrash?
    /// When its pack was pruned; nil when it was not, or when everything pruned is back.
    public var pruned: Int64?
    /// The rule that pruned it.
    public var prunedWhy: String?

    /// Creates a record with identity and state only.
    public init(_ identity: SessionIdentity, state: SessionState) {
        self.identity = identity
        self.state = state
    }

    /// Creates a record with id and state only.
    public init(session: String, state: SessionState) { self.init(SessionIdentity(id: session), state: state) }

    /// Whether its pack was pruned and no later one replaced it.
    public var isPruned: Bool { pruned != nil && pack == nil }

    /// The reason of a session and its artifacts when its pack is missing from the store. It is removed when the pack
    /// is found again.
    public static let packGone = "its pack is gone from the store"

    /// The prefix of the reason of an artifact whose bytes were pruned and are not in a later pack of the session.
    public static let bytesPruned = "its bytes were pruned"

    /// When it ended, or when it began if the end is unknown: the sort key of listings.
    public var at: Int64 { exited ?? firstSeenExited ?? created ?? firstSeen ?? 0 }
}
