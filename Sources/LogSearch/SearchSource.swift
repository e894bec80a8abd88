public import LogTime

/// Which session the bytes come from, as printed with each hit.
public struct SourceLabel: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// The image, where known.
    public var image: String?
    /// The image's version, where known.
    public var tag: String?
    /// Where it ran, where known.
    public var location: String?
    /// Start of the session in milliseconds since 1970; 0 where unknown.
    public var start: Int64
    /// End of the session in milliseconds since 1970, where known.
    public var end: Int64?

    /// Makes a label.
    public init(
        session: String, image: String? = nil, tag: String? = nil, location: String? = nil, start: Int64 = 0,
        end: Int64? = nil
    ) {
        self.session = session
        self.image = image
        self.tag = tag
        self.location = location
        self.start = start
        self.end = end
    }
}

/// One file that can be searched.
public struct SearchMember: Sendable, Equatable {
    /// The path as the archive spelled it: raw bytes, hostile.
    public var path: [UInt8]
    /// Text is searched always, other content only when asked for.
    public var isText: Bool
    /// How its lines carry their time.
    public var timeFormat: TimeFormat
    /// What its first stamp shows, in milliseconds, where the format counts from a start.
    public var counterStart: Int64
    /// Its blocks, or its parts of blocks, in order.
    public var pieces: [SearchPiece]

    /// Makes a member.
    public init(
        path: [UInt8], isText: Bool = true, timeFormat: TimeFormat = .none, counterStart: Int64 = 0,
        pieces: [SearchPiece]
    ) {
        self.path = path
        self.isText = isText
        self.timeFormat = timeFormat
        self.counterStart = counterStart
        self.pieces = pieces
    }
}

/// The part of one block that belongs to one member.
public struct SearchPiece: Sendable, Equatable {
    /// Index of the block in its source.
    public var block: Int
    /// Where in the block's raw bytes the part begins.
    public var offset: Int
    /// Its length in bytes.
    public var count: Int
    /// Where in the member it begins.
    public var memberOffset: UInt64
    /// Number of the line its first byte belongs to, from 1.
    public var firstLine: UInt64
    /// Earliest and latest time of its lines, inherited ones included, in milliseconds since 1970; nil when unknown.
    public var times: ClosedRange<Int64>?
    /// Its last line goes on in the next piece.
    public var endsMidLine: Bool

    /// Makes a piece.
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

/// Something that can be searched: the members of one session. Called from several threads at once.
public protocol SearchSource: Sendable {
    /// One thread's working memory for decoding.
    associatedtype Decoder
    /// Which session it is.
    var label: SourceLabel { get }
    /// Its members in the order in which results are wanted.
    var members: [SearchMember] { get }
    /// Whether a block may meet a query; true where there is no filter or it is damaged.
    func mayContain(_ query: BlockQuery, block: Int) -> Bool
    /// A decoder for one thread.
    static func makeDecoder() throws -> Decoder
    /// Largest raw size of a block in bytes.
    func rawSize(ofBlock block: Int) -> Int
    /// Decodes a whole block.
    /// - Parameter buffer: at least `rawSize` bytes.
    /// - Returns: the bytes written.
    /// - Throws: an error that says what is damaged.
    func decode(block: Int, with decoder: Decoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension SearchMember {
    /// Reads the stamps of its lines.
    func reader(_ label: SourceLabel, zoneOffset: Int32) -> TimeReader {
        TimeReader(
            format: timeFormat,
            context: TimeContext(sessionStart: label.start, zoneOffset: zoneOffset, counterStart: counterStart))
    }
}
