public import struct SessionAPI.DamagedEntry

/// A request without a usable response.
public struct SourceFailure: Error, Sendable, Hashable {
    /// The HTTP status, if there was a response.
    public var status: Int?
    /// What went wrong. Contains no secret.
    public var message: String
    /// The API's trace identifier.
    public var identifier: String?
    /// How long the server asked to wait, in milliseconds.
    public var retryAfter: Int64?
    /// Whether the response had begun and was cut off.
    public var cut: Bool
    /// Whether a retry would be refused again.
    public var isFinal: Bool

    /// Makes a failure from its fields.
    public init(
        status: Int? = nil, message: String, identifier: String? = nil, retryAfter: Int64? = nil, cut: Bool = false,
        isFinal: Bool = false
    ) {
        self.status = status
        self.message = message
        self.identifier = identifier
        self.retryAfter = retryAfter
        self.cut = cut
        self.isFinal = isFinal
    }

    /// The message with the identifier, for people.
    public var sentence: String { message + (identifier.map { " (identifier \($0))" } ?? "") }
}

/// An entry of a list. Its labels are decoded only on demand.
public struct ListedEntry {
    /// The session's id.
    public var id: String
    /// When its container was created, in milliseconds since 1970.
    public var created: Int64?
    /// Its status; nil when missing or unknown.
    public var status: ObservedStatus?
    /// Makes the sighting with all fields.
    public var sighting: () -> Sighting

    /// Makes an entry from its fields.
    public init(id: String, created: Int64?, status: ObservedStatus?, sighting: @escaping () -> Sighting) {
        self.id = id
        self.created = created
        self.status = status
        self.sighting = sighting
    }
}

/// The damaged entries of a list.
public struct ListDamage: Sendable, Hashable {
    /// The number of entries that were skipped.
    public var rejected = 0
    /// The first entries that were skipped, or accepted with replaced characters; a bounded number.
    public var entries: [DamagedEntry] = []

    /// Makes a value; by default without damage.
    public init(rejected: Int = 0, entries: [DamagedEntry] = []) {
        self.rejected = rejected
        self.entries = entries
    }
}

/// The source of sessions and their bytes: the Session API, or a model of it in tests.
public protocol SessionSource: Sendable {
    /// Calls `entry` for each session of a list as it arrives.
    ///
    /// - Returns: The damaged entries. A session whose entry was skipped is not absent from the list.
    /// - Throws: ``SourceFailure``; a truncated list throws after some entries were delivered.
    nonisolated(nonsending) func list(
        _ kind: ListKind, entry: (ListedEntry) -> Void
    ) async throws(SourceFailure) -> ListDamage

    /// Describes one session.
    ///
    /// - Throws: ``SourceFailure``; a status of 404 or 410 means that the session is not known.
    func describe(_ id: String) async throws(SourceFailure) -> Sighting

    /// Downloads an artifact, or the log written so far when `artifact` is `logs`.
    ///
    /// - Parameters:
    ///   - id: The session.
    ///   - artifact: The container path, or `logs`.
    ///   - sink: Receives the body piece by piece; returns false to stop the download.
    /// - Returns: Whether the whole body was delivered; false if the sink stopped it.
    /// - Throws: ``SourceFailure``, or what the sink throws.
    func download(
        _ id: String, _ artifact: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool

    /// Follows the log of a running session from its start.
    ///
    /// - Returns: Whether the stream ended, which it does when the session ends; false if the sink stopped it.
    /// - Throws: ``SourceFailure``, or what the sink throws.
    func follow(
        _ id: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool
}

/// A piece of a body.
public protocol DownloadPiece: Sendable {
    /// Calls a closure with the bytes, which are valid only during the call.
    func lend<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
}
