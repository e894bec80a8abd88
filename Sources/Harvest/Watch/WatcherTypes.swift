public import Model
import Text

/// The status of a container, as the API reports it.
public enum ObservedStatus: String, Sendable, Hashable {
    /// Created, not started.
    case created
    /// Its process runs.
    case running
    /// Its process ended and is being restarted in place.
    case restarting
    /// Its process ended. The API does not report an exit code.
    case exited
    /// It ended unexpectedly.
    case dead
    /// Its host prepares to shut down; the process still runs.
    case draining
    /// It is being stopped.
    case shuttingDown = "shuttingdown"
    /// Its host does not respond; until it does, nothing is known and nothing can be fetched.
    case serverUnreachable = "server_unreachable"

    /// Whether the container's process may still be writing.
    var isAlive: Bool {
        switch self {
        case .created, .running, .restarting, .draining, .shuttingDown: true
        case .exited, .dead, .serverUnreachable: false
        }
    }
}

/// A session as a list or describe response shows it.
public struct Sighting: Sendable, Hashable {
    /// The session's metadata.
    public var identity: SessionIdentity
    /// Its status; nil when missing or unknown.
    public var status: ObservedStatus?

    /// Makes a sighting from its fields.
    public init(_ identity: SessionIdentity, status: ObservedStatus?) {
        self.identity = identity
        self.status = status
    }
}

/// The result of describing a session.
public enum DescribeAnswer: Sendable, Hashable {
    /// The session exists.
    case found(Sighting)
    /// The API does not know the session (404 or 410). Carries the trace identifier.
    case notFound(identifier: String?)
    /// No usable response.
    case failed
}

/// The kind of a session list.
public enum ListKind: Sendable, Hashable, CaseIterable {
    /// `GET /session`: running sessions.
    case running
    /// `GET /session?all=true`: also exited sessions, as long as the API remembers them.
    case all
}

/// How salvage learned that a session ended.
public enum ExitEvidence: String, Sendable, Hashable {
    /// A list or describe response says `exited` or `dead`.
    case status
    /// No list contains it and describing it returns 404: the container may be gone already.
    case vanished
    /// The list of running sessions no longer contains it, and the API never gives a status.
    case inferred
    /// It was pending when salvage stopped.
    case resumed

    /// The reason stored in the ledger.
    var words: String {
        switch self {
        case .status: "the API reports that it exited"
        case .vanished: "the API no longer knows it"
        case .inferred: "it is no longer among the running sessions"
        case .resumed: "it was pending when salvage stopped"
        }
    }
}

/// A session that ended, handed from the watcher to the fetcher.
public struct ExitedSession: Sendable, Hashable {
    /// The ledger's key of this run; see ``RunKey``.
    public var key: String
    /// The session's metadata.
    public var identity: SessionIdentity
    /// When it was first seen exited, in milliseconds since 1970.
    public var exitedAt: Int64
    /// When its container is expected to be gone, in milliseconds since 1970.
    public var deadline: Int64
    /// The earliest time it can have ended: last seen alive, else created, else `exitedAt`; in milliseconds since 1970.
    public var notBefore: Int64
    /// Whether its status history looks like a crash.
    public var crashed: Bool
    /// How salvage learned that it ended.
    public var evidence: ExitEvidence
}

extension SessionRecord {
    /// The session's identity with its id in the API in place of the ledger's key.
    var apiIdentity: SessionIdentity { identity.withID(RunKey.apiID(key: session, created: created)) }
}

/// The ledger's keys for runs. The first run seen under an id has the id as its key; a later container under the same
/// id has `ID@CREATED`. An id that has this form itself gets the key `ID@0`, so that no two runs share a key.
public enum RunKey {
    /// The minimum number of digits of `CREATED`. Real times have more; a minimum makes fewer ids look like such a key.
    private static let digits = 7

    /// Returns the key of the first run seen under an id.
    public static func first(id: String) -> String { isLater(id) || isMarked(id) ? id + "@0" : id }

    /// Returns the key of a later run; `created` is in milliseconds since 1970.
    public static func later(id: String, created: Int64) -> String {
        let number = String(max(1, created))
        return "\(id)@" + String(repeating: "0", count: max(0, digits - number.utf8.count)) + number
    }

    /// Returns the API's id for a run; `created` is when its container was created, in milliseconds since 1970.
    public static func apiID(key: String, created: Int64?) -> String {
        if isMarked(key) { return String(decoding: key.utf8.dropLast(2), as: UTF8.self) }
        guard let created else { return key }
        let suffix = later(id: "", created: created)
        guard key.hasByteSuffix(suffix), key.utf8.count > suffix.utf8.count else { return key }
        return String(decoding: key.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
    }

    /// Returns whether a name has the form `ID@CREATED`.
    static func isLater(_ name: String) -> Bool {
        guard let mark = name.utf8.lastIndex(of: UInt8(ascii: "@")), mark > name.utf8.startIndex else { return false }
        let number = name.utf8[name.utf8.index(after: mark)...]
        return number.count >= digits && number.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Returns whether a name has the form `ID@CREATED` followed by one or more `@0`.
    private static func isMarked(_ name: String) -> Bool {
        var rest = name.utf8[...]
        while rest.suffix(2).elementsEqual("@0".utf8) { rest = rest.dropLast(2) }
        return rest.count < name.utf8.count && isLater(String(Substring(rest)))
    }
}
