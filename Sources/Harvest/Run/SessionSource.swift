public import struct SessionAPI.DamagedEntry

/// A request that got no usable answer.
public struct SourceFailure: Error, Sendable, Hashable {
    /// The HTTP status, where there was an answer.
    public var status: Int?
    /// What went wrong, in words that hold no secret.
    public var message: String
    /// The API's trace identifier.
    public var identifier: String?
    /// How long the server asked to wait, in milliseconds.
    public var retryAfter: Int64?
    /// Whether the answer had begun and was cut.
    public var cut: Bool
    /// Whether the same request would be refused again, however long one waits.
    public var isFinal: Bool

    /// Collects the facts.
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

/// An entry of a list, with its labels made only when somebody wants them.
public struct ListedEntry {
    /// The session's id.
    public var id: String
    /// When its container was created, in milliseconds since 1970.
    public var created: Int64?
    /// Its status; nil when the list lacks it or uses an unknown word.
    public var status: ObservedStatus?
    /// Everything else.
    public var sighting: () -> Sighting

    /// Collects the facts.
    public init(id: String, created: Int64?, status: ObservedStatus?, sighting: @escaping () -> Sighting) {
        self.id = id
        self.created = created
        self.status = status
        self.sighting = sighting
    }
}

/// What a list holds that could not be taken as it is.
public struct ListDamage: Sendable, Hashable {
    /// Entries that were left out.
    public var rejected = 0
    /// The first entries that were left out, or taken with replaced characters; a bounded number.
    public var entries: [DamagedEntry] = []

    /// Nothing, or the given entries.
    public init(rejected: Int = 0, entries: [DamagedEntry] = []) {
        self.rejected = rejected
        self.entries = entries
    }
}

/// Where sessions and their bytes come from: the Session API, or a model of it in tests.
public protocol SessionSource: Sendable {
    /// Hands over each session of a list as it arrives.
    ///
    /// - Returns: What could not be taken as it is; the sessions of entries that were left out are not absent.
    /// - Throws: ``SourceFailure``, also after entries were handed over, when the list is cut.
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
    ///   - sink: Takes the body piece by piece; returns false to stop the download.
    /// - Returns: Whether the sink let the body come to its end.
    /// - Throws: ``SourceFailure``, or what the sink throws.
    func download(
        _ id: String, _ artifact: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool

    /// Follows the log of a running session from its start.
    ///
    /// - Returns: Whether the stream came to its end, which it does when the session ends.
    /// - Throws: ``SourceFailure``, or what the sink throws.
    func follow(
        _ id: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
    ) async throws -> Bool
}

/// A piece of a body; its bytes are lent during a call.
public protocol DownloadPiece: Sendable {
    /// Hands the bytes to a closure.
    func lend<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
}
