/// What is remarkable about a block.
public struct BlockFlags: OptionSet, Sendable, Hashable {
    /// The bits as stored.
    public var rawValue: UInt16

    /// Flags from their stored bits; unknown ones are kept.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// It holds text: cut after newlines.
    public static let text = BlockFlags(rawValue: 1 << 0)
    /// It holds several whole members.
    public static let batch = BlockFlags(rawValue: 1 << 1)
    /// Text whose first line began in the block before it: a line longer than a block was split.
    public static let startsMidLine = BlockFlags(rawValue: 1 << 2)
    /// Text whose last line goes on in the next block of the same member.
    public static let endsMidLine = BlockFlags(rawValue: 1 << 3)
    /// A hole of the member begins or ends inside or at an edge: bytes that touch here do not touch in the member.
    public static let touchesHole = BlockFlags(rawValue: 1 << 4)

    /// Either edge cuts a line.
    public var continues: Bool { !isDisjoint(with: [.startsMidLine, .endsMidLine]) }

    /// Whether a filter can speak for the block. Where a line or a hole is cut, no single block holds all grams of what
    /// crosses the cut: no filter at all is the only sound answer.
    public var allowFilter: Bool { contains(.text) && !continues && !contains(.touchesHole) }
}

/// Where the filter of a block lies.
public struct FilterReference: Sendable, Hashable {
    /// Byte offset in the pack file.
    public var offset: UInt64
    /// Length in bytes.
    public var length: UInt32
    /// CRC-32C of those bytes.
    public var checksum: UInt32
    /// Which kind of filter; see `BlockFilter.format`.
    public var format: UInt16

    /// A filter of today's format that has no place yet.
    init(_ filter: [UInt8]) {
        self.init(
            offset: 0, length: UInt32(filter.count), checksum: PackFormat.crc32c(filter), format: BlockFilter.format)
    }

    /// A filter's place.
    public init(offset: UInt64, length: UInt32, checksum: UInt32, format: UInt16) {
        self.offset = offset
        self.length = length
        self.checksum = checksum
        self.format = format
    }
}

/// One zstd frame of a pack.
public struct Block: Sendable, Hashable {
    /// Byte offset of the frame in the pack file.
    public var offset: UInt64
    /// Length of the frame in bytes.
    public var storedSize: UInt32
    /// Length of its content in bytes, at most `PackFormat.blockSize`.
    public var rawSize: UInt32
    /// Number of the line that its first byte belongs to, counted from 1 in its member; 1 for a batch.
    public var firstLine: UInt64
    /// Earliest time of its lines, in milliseconds since 1970 UTC; nil when unknown.
    public var minTime: Int64?
    /// Latest time of its lines, in milliseconds since 1970 UTC; nil when unknown.
    public var maxTime: Int64?
    /// What is remarkable about it.
    public var flags: BlockFlags
    /// Its filter; nil means that every search must look into the block.
    public var filter: FilterReference?

    /// A block with its place and size.
    public init(
        offset: UInt64, storedSize: UInt32, rawSize: UInt32, firstLine: UInt64 = 1, minTime: Int64? = nil,
        maxTime: Int64? = nil, flags: BlockFlags = [], filter: FilterReference? = nil
    ) {
        self.offset = offset
        self.storedSize = storedSize
        self.rawSize = rawSize
        self.firstLine = firstLine
        self.minTime = minTime
        self.maxTime = maxTime
        self.flags = flags
        self.filter = filter
    }
}

/// A place in a block that later analysis wants to look at again.
public struct BlockAnchor: Sendable, Hashable {
    /// Byte offset in the bytes that were inspected.
    public var offset: UInt32
    /// What was found there, in the inspector's own numbering.
    public var id: UInt16

    /// An anchor `id` at `offset`.
    public init(offset: UInt32, id: UInt16) {
        self.offset = offset
        self.id = id
    }
}

/// What an inspector learned from a piece of a member while its bytes were in the cache.
public struct BlockFacts: Sendable, Equatable {
    /// Earliest time of the lines that carry one, in milliseconds since 1970 UTC.
    public var minTime: Int64?
    /// Latest time of those lines.
    public var maxTime: Int64?
    /// Time of the last line that carries one: what the next block's first lines inherit.
    public var lastTime: Int64?
    /// The first line carries no time of its own, so the time before it belongs to this block too.
    public var startsUntimed: Bool
    /// Places to come back to.
    public var anchors: [BlockAnchor]

    /// Facts; all may be left out.
    public init(
        minTime: Int64? = nil, maxTime: Int64? = nil, lastTime: Int64? = nil, startsUntimed: Bool = false,
        anchors: [BlockAnchor] = []
    ) {
        self.minTime = minTime
        self.maxTime = maxTime
        self.lastTime = lastTime
        self.startsUntimed = startsUntimed
        self.anchors = anchors
    }
}

/// What an inspector is told of the piece it looks at.
public struct InspectionContext: Sendable, Equatable {
    /// Index of the member in the pack being written.
    public var member: Int
    /// What the member is.
    public var kind: MemberKind
    /// Its timestamp format, as given in its header.
    public var timeFormat: UInt8
    /// What its first stamp shows, as given in its header.
    public var counterStart: Int64
    /// Its time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// Where in the member's stored content the piece begins.
    public var contentOffset: UInt64
    /// Where in the member (holes counted) the piece begins.
    public var memberOffset: UInt64

    /// A context with all its facts.
    public init(
        member: Int, kind: MemberKind, timeFormat: UInt8, counterStart: Int64 = 0, mtime: Int64,
        contentOffset: UInt64, memberOffset: UInt64
    ) {
        self.member = member
        self.kind = kind
        self.timeFormat = timeFormat
        self.counterStart = counterStart
        self.mtime = mtime
        self.contentOffset = contentOffset
        self.memberOffset = memberOffset
    }
}

/// Looks at raw bytes on the compressing threads, while they are in the cache.
public protocol BlockInspector: Sendable {
    /// Called for each piece of each member, in no order and from several threads at once.
    func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockFacts

    /// Called in the order of the pieces of a member, one thread at a time, to let facts depend on what came before;
    /// `previous` is nil for a member's first piece, else what this returned for the one before.
    func settle(_ facts: BlockFacts, after previous: BlockFacts?, _ context: InspectionContext) -> BlockFacts
}

extension BlockInspector {
    /// Lines without a time belong to the line before: a block that begins with such lines, or has no other, takes
    /// over the last time of the block before it.
    public func settle(_ facts: BlockFacts, after previous: BlockFacts?, _ context: InspectionContext) -> BlockFacts {
        guard let carried = previous?.lastTime else { return facts }
        var settled = facts
        if facts.startsUntimed || facts.minTime == nil {
            settled.minTime = min(facts.minTime ?? carried, carried)
            settled.maxTime = max(facts.maxTime ?? carried, carried)
        }
        settled.lastTime = facts.lastTime ?? carried
        return settled
    }
}

/// An anchor with its place in a member.
public struct MemberAnchor: Sendable, Hashable {
    /// Index of the member in the pack.
    public var member: Int
    /// Byte offset in the member, holes counted.
    public var offset: UInt64
    /// The inspector's id.
    public var id: UInt16
}
