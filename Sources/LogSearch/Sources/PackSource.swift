internal import BlockIndex
internal import LogTime
public import Model
public import Pack

/// A pack as a search source. Several threads may share it.
public struct PackSource: SearchSource {
    /// The session.
    public let label: SourceLabel
    /// Its members that have content.
    public let members: [SearchMember]
    private let reader: PackReader
    private let filters: PackFilters?
    /// A flag for each block that may match, from the filter index.
    private let candidates: [Bool]?

    /// Most hard links searched per content: an archive may have a million links to a gigabyte.
    static let mostLinks = 64

    /// Creates a source of an open pack.
    /// - Parameters:
    ///   - usesFilters: whether to read the block filters now; without them every block is searched.
    ///   - members: indices of the members to search; nil for all.
    /// - Throws: `PackError` when the session facts cannot be read. Damaged filters are not an error: their blocks are
    ///   searched.
    public init(
        _ reader: PackReader, usesFilters: Bool = true, members: [Int]? = nil, candidates: [Bool]? = nil
    ) throws(PackError) {
        let facts = try reader.session()
        self.init(
            reader, label: Self.label(facts), usesFilters: usesFilters, members: members, candidates: candidates)
    }

    /// Creates a source of an open pack whose session is already known.
    /// - Parameter candidates: for each block, whether it may match according to the filter index; if given, the pack's
    ///   own filters are not read.
    public init(
        _ reader: PackReader, label: SourceLabel, usesFilters: Bool = true, members: [Int]? = nil,
        candidates: [Bool]? = nil
    ) {
        self.reader = reader
        self.label = label
        self.candidates = candidates?.count == reader.blocks.count ? candidates : nil
        filters = usesFilters && self.candidates == nil ? try? reader.filters() : nil
        var links: [Int: Int] = [:]
        self.members = (members ?? Array(reader.members.indices)).compactMap { index in
            guard reader.members.indices.contains(index) else { return nil }
            if case .member(let content) = reader.linkedContent(of: index) {
                links[content, default: 0] += 1
                guard links[content, default: 0] <= Self.mostLinks else { return nil }
            }
            return Self.member(index, of: reader)
        }
    }

    /// The label of a session, from its facts.
    public static func label(_ facts: SessionMetadata) -> SourceLabel {
        SourceLabel(facts.identity, end: facts.exited ?? facts.firstSeenExited)
    }

    private static func member(_ index: Int, of reader: PackReader) -> SearchMember? {
        // A hard link is searched under its own name, as in an extracted archive.
        var owner = index
        if case .member(let target) = reader.linkedContent(of: index) { owner = target }
        let member = reader.members[owner]
        switch member.kind {
        case .log, .text, .crashDump, .binary: break
        case .directory, .symlink, .hardlink, .device, .fifo: return nil
        }
        let isText = member.kind.isText
        let pieces = reader.pieces(ofMember: owner)
        // Without its holes, a hash may be that of other bytes.
        let isHashed = member.size > 0 && member.flags.isDisjoint(with: [.hashOmitsHoles, .hashOmitsAllHoles])
        return SearchMember(
            path: reader.members[index].path, isText: isText,
            timeFormat: TimeFormat(rawValue: member.timeFormat) ?? .none, counterStart: member.counterStart,
            pieces: pieces.enumerated().map { position, piece in
                let block = reader.blocks[piece.block]
                let isBatch = block.flags.contains(.batch)
                var times: ClosedRange<Int64>?
                if let low = block.minTime, let high = block.maxTime, low <= high { times = low...high }
                return SearchPiece(
                    block: piece.block, offset: piece.range.lowerBound, count: piece.range.count,
                    memberOffset: piece.contentOffset, firstLine: isBatch ? 1 : max(1, block.firstLine), times: times,
                    // Content that is not text may be cut anywhere.
                    endsMidLine: position < pieces.count - 1 && (!isText || block.flags.contains(.endsMidLine)))
            },
            content: isHashed && !member.sha256.isEmpty
                ? ContentIdentity(sha256: member.sha256, size: member.size) : nil,
            modified: member.mtime)
    }

    /// Whether a block may match a query; true when its filter is missing, damaged or of an unknown format.
    public func mayContain(_ query: BlockQuery, block: Int) -> Bool {
        if let candidates { return candidates.indices.contains(block) ? candidates[block] : true }
        guard let filters else { return true }
        return filters.withFilter(block: block) { query.probes.mayMatch($0, format: $1) } ?? true
    }

    /// Creates a decoder for one thread.
    public static func makeDecoder() throws -> BlockDecoder { try BlockDecoder() }

    /// Raw size of a block in bytes.
    public func rawSize(ofBlock block: Int) -> Int {
        reader.blocks.indices.contains(block) ? Int(reader.blocks[block].rawSize) : 0
    }

    /// Decodes a block and verifies its checksum.
    public func decode(block: Int, with decoder: BlockDecoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    {
        try reader.decode(block: block, into: buffer, using: decoder)
    }
}
