public import LogTime
public import Model

/// The session of the searched bytes, as printed with each hit.
public struct SourceLabel: IdentifiedSession, Sendable, Equatable {
    /// Who the session is.
    public var identity: SessionIdentity
    /// End of the session in milliseconds since 1970 UTC, if known.
    public var end: Int64?

    /// Creates a label.
    public init(_ identity: SessionIdentity, end: Int64? = nil) {
        self.identity = identity
        self.end = end
    }

    /// Start of the session in milliseconds since 1970 UTC; 0 when unknown.
    public var start: Int64 { created ?? 0 }
}

/// The identity of a member's bytes: members with the same identity have the same content.
public struct ContentIdentity: Hashable, Sendable {
    /// The SHA-256 of the bytes.
    public var sha256: [UInt8]
    /// Their number.
    public var size: UInt64

    /// Creates an identity.
    public init(sha256: [UInt8], size: UInt64) {
        self.sha256 = sha256
        self.size = size
    }
}

/// One file that can be searched.
public struct SearchMember: Sendable, Equatable {
    /// The path as spelled in the archive: raw, untrusted bytes.
    public var path: [UInt8]
    /// Whether it is text, which is always searched; other content is searched only on request.
    public var isText: Bool
    /// The timestamp format of its lines.
    public var timeFormat: TimeFormat
    /// The first counter value in milliseconds, for formats that count from a start.
    public var counterStart: Int64
    /// Its parts of blocks, in order.
    public var pieces: [SearchPiece]
    /// The identity of its bytes, if it is known.
    public var content: ContentIdentity?
    /// Time of its last change, in nanoseconds since 1970 UTC, if it is known.
    public var modified: Int64?
    /// Paths of other members of the session with the same bytes, which are not searched themselves.
    public var also: [[UInt8]] = []

    /// Creates a member.
    public init(
        path: [UInt8], isText: Bool = true, timeFormat: TimeFormat = .none, counterStart: Int64 = 0,
        pieces: [SearchPiece], content: ContentIdentity? = nil, modified: Int64? = nil
    ) {
        self.path = path
        self.isText = isText
        self.timeFormat = timeFormat
        self.counterStart = counterStart
        self.pieces = pieces
        self.content = content
        self.modified = modified
    }
}

/// The part of one block that belongs to one member.
public struct SearchPiece: Sendable, Equatable {
    /// Index of the block in its source.
    public var block: Int
    /// Byte offset of the part in the block's raw bytes.
    public var offset: Int
    /// Its length in bytes.
    public var count: Int
    /// Byte offset in the member.
    public var memberOffset: UInt64
    /// Line number of its first byte, from 1.
    public var firstLine: UInt64
    /// Earliest and latest time of its lines, including inherited times, in milliseconds since 1970 UTC; nil when
    /// unknown.
    public var times: ClosedRange<Int64>?
    /// Whether its last line continues in the next piece.
    public var endsMidLine: Bool

    /// Creates a piece.
    public init(
        block: Int, offset: Int = 0, count: Int, memberOffset: UInt64 = 0, firstLine: UInt64 = 1,
        times: ClosedRange<Int64>? = nil, endsMidLine: Bool = false
    ) {
        self.block = block
        self.offset = offset
        self.count = count
        self.memberOffset = memberOffset
        self.firstLine = firstLine
        self.times = times
        self.endsMidLine = endsMidLine
    }
}

/// A searchable set of members of one session. Called from several threads at once.
public protocol SearchSource: Sendable {
    /// One thread's working memory for decoding.
    associatedtype Decoder
    /// The session.
    var label: SourceLabel { get }
    /// Its members, in output order.
    var members: [SearchMember] { get }
    /// Whether a block may match a query; true when its filter is missing or damaged.
    func mayContain(_ query: BlockQuery, block: Int) -> Bool
    /// Creates a decoder for one thread.
    static func makeDecoder() throws -> Decoder
    /// Raw size of a block in bytes.
    func rawSize(ofBlock block: Int) -> Int
    /// Decodes a whole block.
    /// - Parameter buffer: at least `rawSize` bytes.
    /// - Returns: the number of bytes written.
    /// - Throws: an error that describes the damage.
    func decode(block: Int, with decoder: Decoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension SearchMember {
    /// Creates a reader of its lines' timestamps.
    func reader(_ label: SourceLabel, zoneOffset: Int32) -> TimeReader {
        TimeReader(
            format: timeFormat,
            context: TimeContext(sessionStart: label.start, zoneOffset: zoneOffset, counterStart: counterStart))
    }
}
