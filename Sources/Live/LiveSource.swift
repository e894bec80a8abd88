internal import BlockIndex
public import LogSearch
internal import LogTime
public import Pack

/// The followed log of a session as a source for searches.
///
/// Its members are named `live/console.log`, so that every hit says that it comes from a log that is not finished;
/// earlier generations follow as `live/console.2.log` and so on.
public struct LiveSource: SearchSource {
    /// The session.
    public let label: SourceLabel
    /// One member for each generation; the first is the one that is followed.
    public let members: [SearchMember]
    private let snapshots: [LiveSnapshot]
    /// The snapshot of each block, and the block's index in it; an index past the last block is the tail.
    private let places: [(snapshot: Int, block: Int)]

    /// The path of a generation's member; `age` is 0 for the one that is followed.
    public static func path(age: Int) -> String { age == 0 ? "live/console.log" : "live/console.\(age + 1).log" }

    /// A source for the snapshots of a folder, oldest generation first.
    ///
    /// - Parameters:
    ///   - offset: leaves out everything before this offset of the newest generation, and all older generations.
    ///   - line: number of the line at that offset.
    ///   - throughLastNewline: leaves out a last line that is not complete yet.
    public init(
        _ snapshots: [LiveSnapshot], label: SourceLabel, from offset: UInt64? = nil, line: UInt64 = 1,
        throughLastNewline: Bool = false
    ) {
        self.label = label
        let chosen = Array(offset == nil ? snapshots.reversed() : snapshots.suffix(1))
        self.snapshots = chosen
        var places: [(Int, Int)] = []
        var members: [SearchMember] = []
        for (age, snapshot) in chosen.enumerated() {
            let first = places.count
            places += (0...snapshot.blocks.count).map { (age, $0) }
            var member = Self.member(snapshot, age: age, first: first, label)
            if throughLastNewline { member.pieces = Self.wholeLines(member.pieces, snapshot) }
            if let offset { member.pieces = Self.trimmed(member.pieces, from: offset, line: line) }
            members.append(member)
        }
        self.places = places
        self.members = members
    }

    private init(_ label: SourceLabel, _ members: [SearchMember], of other: LiveSource) {
        self.label = label
        self.members = members
        snapshots = other.snapshots
        places = other.places
    }

    /// The same log with only these of its members.
    public func limited(to members: [SearchMember]) -> LiveSource { LiveSource(label, members, of: self) }

    private static func member(
        _ snapshot: LiveSnapshot, age: Int, first: Int, _ label: SourceLabel
    ) -> SearchMember {
        let format =
            snapshot.blocks.first.flatMap { TimeFormat(rawValue: $0.timeFormat) }
            ?? snapshot.tail.withUnsafeBytes { TimeFormat.detect($0) }
        var pieces = snapshot.blocks.enumerated().map { index, block in
            SearchPiece(
                block: first + index, count: block.rawSize, memberOffset: block.rawOffset, firstLine: block.firstLine,
                times: block.times, endsMidLine: block.endsMidLine)
        }
        if !snapshot.tail.isEmpty {
            let reader = TimeReader(format: format, context: TimeContext(sessionStart: label.start))
            let range = snapshot.tail.withUnsafeBytes { reader.range(of: $0) }
            var times = range.map { $0.min...$0.max }
            // Its first lines may inherit the last time before it.
            if let carried = snapshot.blocks.last?.lastTime {
                times = min(carried, times?.lowerBound ?? carried)...max(carried, times?.upperBound ?? carried)
            }
            pieces.append(
                SearchPiece(
                    block: first + snapshot.blocks.count, count: snapshot.tail.count, memberOffset: snapshot.sealed,
                    firstLine: snapshot.tailLine, times: times))
        }
        return SearchMember(path: Array(path(age: age).utf8), isText: true, timeFormat: format, pieces: pieces)
    }

    private static func wholeLines(_ pieces: [SearchPiece], _ snapshot: LiveSnapshot) -> [SearchPiece] {
        var pieces = pieces
        if !snapshot.tail.isEmpty, let tail = pieces.popLast() {
            var cut = tail
            cut.count = snapshot.tail.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            if cut.count > 0 { return pieces + [cut] }
        }
        while pieces.last?.endsMidLine == true { pieces.removeLast() }
        return pieces
    }

    /// The pieces from an offset on, which must be the beginning of the line with number `line`.
    public static func trimmed(_ pieces: [SearchPiece], from offset: UInt64, line: UInt64) -> [SearchPiece] {
        pieces.compactMap { piece in
            guard piece.memberOffset &+ UInt64(piece.count) > offset else { return nil }
            guard piece.memberOffset < offset else { return piece }
            var rest = piece
            let gone = Int(offset &- piece.memberOffset)
            rest.offset += gone
            rest.count -= gone
            rest.memberOffset = offset
            rest.firstLine = line
            return rest
        }
    }

    /// Whether a block may match a query; true for the tail and for blocks without a filter.
    public func mayContain(_ query: BlockQuery, block: Int) -> Bool {
        guard places.indices.contains(block) else { return true }
        let place = places[block]
        let snapshot = snapshots[place.snapshot]
        guard let filter = snapshot.filter(block: place.block) else { return true }
        let format = snapshot.blocks[place.block].filterFormat
        return filter.withUnsafeBytes { query.probes.mayMatch($0, format: format) }
    }

    /// A decoder for one thread.
    public static func makeDecoder() throws -> BlockDecoder { try BlockDecoder() }

    /// Raw size of a block in bytes.
    public func rawSize(ofBlock block: Int) -> Int {
        guard places.indices.contains(block) else { return 0 }
        let snapshot = snapshots[places[block].snapshot]
        let index = places[block].block
        return snapshot.blocks.indices.contains(index) ? snapshot.blocks[index].rawSize : snapshot.tail.count
    }

    /// Decodes a block, or copies the tail.
    public func decode(block: Int, with decoder: BlockDecoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    {
        guard places.indices.contains(block) else { return 0 }
        let snapshot = snapshots[places[block].snapshot]
        let index = places[block].block
        if snapshot.blocks.indices.contains(index) { return try snapshot.decode(block: index, into: buffer) }
        return try snapshot.read(at: snapshot.sealed, into: buffer)
    }
}

/// A pack or a followed log.
public enum StoreSource: SearchSource {
    /// A session's pack.
    case pack(PackSource)
    /// The log of a session that has no pack yet.
    case live(LiveSource)
    /// Parts of a pack's members.
    case rest(PackSource, [SearchMember])

    /// The session.
    public var label: SourceLabel {
        switch self {
        case .pack(let source), .rest(let source, _): source.label
        case .live(let source): source.label
        }
    }

    /// Its members.
    public var members: [SearchMember] {
        switch self {
        case .pack(let source): source.members
        case .live(let source): source.members
        case .rest(_, let members): members
        }
    }

    /// Whether a block may match a query.
    public func mayContain(_ query: BlockQuery, block: Int) -> Bool {
        switch self {
        case .pack(let source), .rest(let source, _): source.mayContain(query, block: block)
        case .live(let source): source.mayContain(query, block: block)
        }
    }

    /// A decoder for one thread.
    public static func makeDecoder() throws -> BlockDecoder { try BlockDecoder() }

    /// Raw size of a block in bytes.
    public func rawSize(ofBlock block: Int) -> Int {
        switch self {
        case .pack(let source), .rest(let source, _): source.rawSize(ofBlock: block)
        case .live(let source): source.rawSize(ofBlock: block)
        }
    }

    /// Decodes a block.
    public func decode(block: Int, with decoder: BlockDecoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    {
        switch self {
        case .pack(let source), .rest(let source, _): try source.decode(block: block, with: decoder, into: buffer)
        case .live(let source): try source.decode(block: block, with: decoder, into: buffer)
        }
    }
}
