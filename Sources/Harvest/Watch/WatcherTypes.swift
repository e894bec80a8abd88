import Text

public import enum Catalog.SessionState

/// What the API says of a container.
public enum ObservedStatus: String, Sendable, Hashable {
    /// Made, not started.
    case created
    /// Its process runs.
    case running
    /// Its process ended and is being started again in place.
    case restarting
    /// Its process ended, cleanly or not: the API does not tell.
    case exited
    /// It ended unexpectedly.
    case dead
    /// Its host prepares to shut down; the process still runs.
    case draining
    /// It is being stopped.
    case shuttingDown = "shuttingdown"
    /// Its host does not answer; nothing can be said or fetched until it does.
    case serverUnreachable = "server_unreachable"

    /// Whether the container's process may still be writing.
    var isAlive: Bool {
        switch self {
        case .created, .running, .restarting, .draining, .shuttingDown: true
        case .exited, .dead, .serverUnreachable: false
        }
    }
}

/// One session as a list or describe answer shows it.
public struct Sighting: Sendable, Hashable {
    /// Who it is.
    public var identity: SessionIdentity
    /// Its status; nil when the answer lacks it or uses a word that is not known.
    public var status: ObservedStatus?

    /// Pairs a session with its status.
    public init(_ identity: SessionIdentity, status: ObservedStatus?) {
        self.identity = identity
        self.status = status
    }
}

/// What came of describing a session.
public enum DescribeAnswer: Sendable, Hashable {
    /// It exists.
    case found(Sighting)
    /// The API does not know it (404 or 410); carries the trace identifier.
    case notFound(identifier: String?)
    /// No answer that says anything about the session.
    case failed
}

/// Which of the two lists.
public enum ListKind: Sendable, Hashable, CaseIterable {
    /// `GET /session`: what runs.
    case running
    /// `GET /session?all=true`: exited sessions too, as long as the API remembers them.
    case all
}

/// How it became known that a session ended.
public enum ExitEvidence: String, Sendable, Hashable {
    /// A list or describe answer says `exited` or `dead`.
    case status
    /// No list names it and describing it gives 404: the container may be gone already.
    case vanished
    /// No list of running sessions names it any more and the API never gives a status.
    case inferred
    /// It was pending when salvage stopped.
    case resumed

    /// For the ledger.
    var words: String {
        switch self {
        case .status: "the API says that it has exited"
        case .vanished: "the API does not know it any more"
        case .inferred: "it is not among the running sessions any more"
        case .resumed: "it was pending when salvage stopped"
        }
    }
}

/// A session that ended, handed from the watcher to the fetcher.
public struct ExitedSession: Sendable, Hashable {
    /// The ledger's name for this run; equals the id unless an id was used again.
    public var key: String
    /// Who it is.
    public var identity: SessionIdentity
    /// When it was first seen exited, in milliseconds since 1970.
    public var exitedAt: Int64
    /// When its container is expected to be gone.
    public var deadline: Int64
    /// The earliest moment at which it can have ended: last seen alive, else created, else `exitedAt`.
    public var notBefore: Int64
    /// Whether its status history looks like a crash.
    public var crashed: Bool
    /// How this became known.
    public var evidence: ExitEvidence
}

/// What the ledger remembers of a session when salvage starts.
public struct RememberedSession: Sendable, Hashable {
    /// The ledger's name for the run.
    public var key: String
    /// Who it is.
    public var identity: SessionIdentity
    /// Its state.
    public var state: SessionState
    /// When it was last seen alive or first seen at all, in milliseconds since 1970.
    public var lastSeen: Int64
    /// When it was first seen exited.
    public var exitedAt: Int64?
    /// When its container is expected to be gone.
    public var deadline: Int64?
    /// Whether its status history looks like a crash.
    public var crashed: Bool

    /// Collects the facts.
    public init(
        key: String, identity: SessionIdentity, state: SessionState, lastSeen: Int64, exitedAt: Int64? = nil,
        deadline: Int64? = nil, crashed: Bool = false
    ) {
        self.key = key
        self.identity = identity
        self.state = state
        self.lastSeen = lastSeen
        self.exitedAt = exitedAt
        self.deadline = deadline
        self.crashed = crashed
    }
}

/// The ledger's names for runs. The id itself names the first run seen under it; a later container under the same id
/// is `ID@CREATED`, so that neither run hides the other. An id of the API's that has this form itself is named `ID@0`:
/// no two runs share a name.
public enum RunKey {
    /// Digits of `CREATED` at least. Times have more of them, and the fewer ids look like such a name the better.
    private static let digits = 7

    /// The name of the first run seen under an id.
    public static func first(id: String) -> String { isLater(id) || isMarked(id) ? id + "@0" : id }

    /// The name of a later run.
    public static func later(id: String, created: Int64) -> String {
        let number = String(max(1, created))
        return "\(id)@" + String(repeating: "0", count: max(0, digits - number.utf8.count)) + number
    }

    /// The id to use towards the API for a run, given when its container was created.
    public static func apiID(key: String, created: Int64?) -> String {
        if isMarked(key) { return String(decoding: key.utf8.dropLast(2), as: UTF8.self) }
        guard let created else { return key }
        let suffix = later(id: "", created: created)
        guard key.hasByteSuffix(suffix), key.utf8.count > suffix.utf8.count else { return key }
        return String(decoding: key.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
    }

    /// Whether a name has the form of a later run's.
    static func isLater(_ name: String) -> Bool {
        guard let mark = name.utf8.lastIndex(of: UInt8(ascii: "@")), mark > name.utf8.startIndex else { return false }
        let number = name.utf8[name.utf8.index(after: mark)...]
        return number.count >= digits && number.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Whether a name is that of an id which itself has the form of a later run's name, or of such a name.
    private static func isMarked(_ name: String) -> Bool {
        var rest = name.utf8[...]
        while rest.suffix(2).elementsEqual("@0".utf8) { rest = rest.dropLast(2) }
        return rest.count < name.utf8.count && isLater(String(Substring(rest)))
    }
}
