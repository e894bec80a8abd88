/// Properties of a block.
public struct BlockFlags: OptionSet, Sendable, Hashable {
    /// The bits as stored.
    public var rawValue: UInt16

    /// Creates flags from stored bits; unknown bits are kept.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// It holds text; blocks of text are cut after newlines.
    public static let text = BlockFlags(rawValue: 1 << 0)
    /// It holds several whole members.
    public static let batch = BlockFlags(rawValue: 1 << 1)
    /// Text whose first line began in the block before it: a line longer than a block was split.
    public static let startsMidLine = BlockFlags(rawValue: 1 << 2)
    /// Text whose last line continues in the next block of the same member.
    public static let endsMidLine = BlockFlags(rawValue: 1 << 3)
    /// A hole of the member is inside the block or at its edge: bytes adjacent here are not adjacent in the member.
    public static let touchesHole = BlockFlags(rawValue: 1 << 4)

    /// Whether either edge cuts a line.
    public var continues: Bool { !isDisjoint(with: [.startsMidLine, .endsMidLine]) }

    /// Whether the block may have a filter. Across a cut line or a hole, no single block holds all n-grams of a match,
    /// so a filter would have false negatives.
    public var allowFilter: Bool { contains(.text) && !continues && !contains(.touchesHole) }
}

/// The location of a block's filter.
public struct FilterReference: Sendable, Hashable {
    /// Byte offset in the pack file.
    public var offset: UInt64
    /// Length in bytes.
    public var length: UInt32
    /// CRC-32C of those bytes.
    public var checksum: UInt32
    /// Which kind of filter; see `BlockFilter.format`.
    public var format: UInt16

    /// Creates a reference to a filter of the current format that has no offset yet.
    init(_ filter: [UInt8]) {
        self.init(
            offset: 0, length: UInt32(filter.count), checksum: PackFormat.crc32c(filter), format: BlockFilter.format)
    }

    /// Creates a reference.
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
    /// Line number of its first byte within the member, from 1; 1 for a batch.
    public var firstLine: UInt64
    /// Earliest time of its lines, in milliseconds since 1970 UTC; nil when unknown.
    public var minTime: Int64?
    /// Latest time of its lines, in milliseconds since 1970 UTC; nil when unknown.
    public var maxTime: Int64?
    /// Its properties.
    public var flags: BlockFlags
    /// Its filter; with nil, every search must decode the block.
    public var filter: FilterReference?

    /// Creates a block.
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

/// A position in a block for later analysis.
public struct BlockAnchor: Sendable, Hashable {
    /// Byte offset in the inspected bytes.
    public var offset: UInt32
    /// What was found there, in the inspector's own numbering.
    public var id: UInt16

    /// Creates an anchor.
    public init(offset: UInt32, id: UInt16) {
        self.offset = offset
        self.id = id
    }
}

/// An inspector's findings about a piece of a member.
public struct BlockInspection: Sendable, Equatable {
    /// Earliest timestamp of its lines, in milliseconds since 1970 UTC; nil when there is none.
    public var minTime: Int64?
    /// Latest timestamp of its lines, in milliseconds since 1970 UTC.
    public var maxTime: Int64?
    /// Timestamp of the last line that has one, in milliseconds since 1970 UTC; the next block's first lines inherit
    /// it.
    public var lastTime: Int64?
    /// The first line has no timestamp, so the time of the line before applies to this block too.
    public var startsUntimed: Bool
    /// Positions for later analysis.
    public var anchors: [BlockAnchor]

    /// Creates findings; all are optional.
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

/// The context of the piece that an inspector looks at.
public struct InspectionContext: Sendable, Equatable {
    /// Index of the member in the new pack.
    public var member: Int
    /// The member's kind.
    public var kind: MemberKind
    /// Its timestamp format, as given in its header.
    public var timeFormat: UInt8
    /// Its first counter value, in milliseconds, as given in its header.
    public var counterStart: Int64
    /// Its time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// Byte offset of the piece in the member's stored content.
    public var contentOffset: UInt64
    /// Byte offset of the piece in the member, holes included.
    public var memberOffset: UInt64

    /// Creates a context.
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

/// Inspects raw bytes on the compressing threads, while they are in the cache.
public protocol BlockInspector: Sendable {
    /// Called for each piece of each member, in any order and from several threads at once.
    func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockInspection

    /// Called for a member's pieces in order, by one thread at a time, so that findings can depend on earlier pieces.
    /// `previous` is nil for the first piece, otherwise the result for the piece before.
    func settle(_ facts: BlockInspection, after previous: BlockInspection?, _ context: InspectionContext)
        -> BlockInspection
}

extension BlockInspector {
    /// Lines without a timestamp have the time of the line before: a block that begins with such lines, or has no
    /// others, inherits the last time of the block before it.
    public func settle(_ facts: BlockInspection, after previous: BlockInspection?, _ context: InspectionContext)
        -> BlockInspection
    {
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

/// An anchor with its position in a member.
public struct MemberAnchor: Sendable, Hashable {
    /// Index of the member in the pack.
    public var member: Int
    /// Byte offset in the member, holes included.
    public var offset: UInt64
    /// The inspector's id.
    public var id: UInt16
}
