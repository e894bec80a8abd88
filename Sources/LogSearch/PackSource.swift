internal import LogTime
public import Pack

/// One pack as something that can be searched. May be shared between threads.
public struct PackSource: SearchSource {
    /// Which session it is.
    public let label: SourceLabel
    /// Its members that have content.
    public let members: [SearchMember]
    private let reader: PackReader
    private let filters: PackFilters?
    /// Blocks that may match, found in the filter index before the pack was opened.
    private let candidates: [Bool]?

    /// Names of one content that are searched, its own not counted: an archive may give a million names to a gigabyte.
    static let mostLinks = 64

    /// A source over an open pack.
    /// - Parameters:
    ///   - usesFilters: read the block filters now; without them every block is searched.
    ///   - members: indices of the pack's members to search; nil for all.
    /// - Throws: `PackError` when the session facts cannot be read. Damaged filters are no error: their blocks are
    ///   searched.
    public init(
        _ reader: PackReader, usesFilters: Bool = true, members: [Int]? = nil, candidates: [Bool]? = nil
    ) throws(PackError) {
        let facts = try reader.session()
        self.init(
            reader, label: Self.label(facts), usesFilters: usesFilters, members: members, candidates: candidates)
    }

    /// A source over an open pack whose session is known already.
    /// - Parameter candidates: what the filter index said of each block; then the pack's own filters are not read.
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

    /// What is printed of a session's facts.
    public static func label(_ facts: SessionFacts) -> SourceLabel {
        SourceLabel(
            session: facts.session, image: facts.image, tag: facts.tag, location: facts.location,
            start: facts.created ?? 0, end: facts.exited ?? facts.firstSeenExited)
    }

    private static func member(_ index: Int, of reader: PackReader) -> SearchMember? {
        // A hard link is searched under its own name, as in the files that an extraction leaves.
        var owner = index
        if case .member(let target) = reader.linkedContent(of: index) { owner = target }
        let member = reader.members[owner]
        switch member.kind {
        case .log, .text, .crashDump, .binary: break
        case .directory, .symlink, .hardlink, .device, .fifo: return nil
        }
        let isText = member.kind.isText
        let pieces = reader.pieces(ofMember: owner)
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
                    // Bytes that are not text are cut anywhere.
                    endsMidLine: position < pieces.count - 1 && (!isText || block.flags.contains(.endsMidLine)))
            })
    }

    /// Whether a block may meet a query; true where it has no filter, or one that is damaged or unknown.
    public func mayContain(_ query: BlockQuery, block: Int) -> Bool {
        if let candidates { return candidates.indices.contains(block) ? candidates[block] : true }
        guard let filters else { return true }
        return filters.withFilter(block: block) { query.probes.mayMatch($0, format: $1) } ?? true
    }

    /// A decoder for one thread.
    public static func makeDecoder() throws -> BlockDecoder { try BlockDecoder() }

    /// Raw size of a block in bytes.
    public func rawSize(ofBlock block: Int) -> Int {
        reader.blocks.indices.contains(block) ? Int(reader.blocks[block].rawSize) : 0
    }

    /// Decodes a block; its checksum is verified.
    public func decode(block: Int, with decoder: BlockDecoder, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
    {
        try reader.decode(block: block, into: buffer, using: decoder)
    }
}
