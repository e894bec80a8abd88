public import Model

/// Reads a pack. Several threads may share it; each needs its own `BlockDecoder`.
///
/// Every offset and size in the file is checked before it is used: a truncated, damaged or hostile pack throws an
/// error.
public final class PackReader: Sendable {
    /// The members, in the order in which they were written.
    public let members: [Member]
    /// The blocks, in the order of the block table.
    public let blocks: [Block]
    /// Damage found in the footer; always empty unless the pack was opened with `tolerant`.
    public let footerDamage: [PackDamage]
    /// Size of the file in bytes.
    public var fileSize: UInt64 { bytes.size }
    /// Where the footer begins, in bytes.
    public let footerOffset: UInt64

    let bytes: PackBytes
    /// For each block the sum of raw sizes up to its end.
    let ends: [UInt64]
    /// Members that have content, sorted by where it begins.
    private let starts: [(position: UInt64, member: Int)]
    /// What each hard link resolves to, by the link's member index.
    let links: [Int: LinkedContent]
    private let sections: [UInt32: SectionEntry]
    private let tail: FooterBytes

    /// Opens a pack file. With `tolerant`, damage to single sections is listed in `footerDamage` and the tables
    /// concerned are empty; without it, such damage is thrown.
    public static func open(path: String, tolerant: Bool = false) throws(PackError) -> PackReader {
        try open(PackBytes(path: path), tolerant: tolerant)
    }

    /// Opens a pack through a descriptor that supports `pread`. The caller keeps ownership of the descriptor.
    public static func open(descriptor: Int32, tolerant: Bool = false) throws(PackError) -> PackReader {
        try open(PackBytes(descriptor: descriptor), tolerant: tolerant)
    }

    /// Opens a pack held in memory.
    public static func parse(_ bytes: [UInt8], tolerant: Bool = false) throws(PackError) -> PackReader {
        try open(PackBytes(bytes), tolerant: tolerant)
    }

    /// Opens a pack from its bytes. With `tolerant`, damage to single sections is listed in `footerDamage`.
    public static func open(_ bytes: PackBytes, tolerant: Bool = false) throws(PackError) -> PackReader {
        do throws(PackError) {
            return try PackReader(bytes, tolerant: tolerant)
        } catch {
            var located = error
            located.path = bytes.path ?? error.path
            throw located
        }
    }

    init(_ bytes: PackBytes, tolerant: Bool) throws(PackError) {
        self.bytes = bytes
        let footer = try FooterBytes(bytes)
        tail = footer
        footerOffset = footer.trailer.footerOffset
        let entries = try footer.directory()
        sections = Dictionary(entries.map { ($0.id, $0) }) { first, _ in first }
        var damage: [PackDamage] = []
        var blocks: [Block] = []
        var members: [Member] = []
        do throws(PackError) {
            let table = try footer.content(sections[SectionID.blocks.rawValue], "block table")
            blocks = try Self.with(table) { (raw) throws(PackError) in
                try BlockTable.decode(raw, limit: footer.trailer.footerOffset)
            }
            let rows = try footer.content(sections[SectionID.members.rawValue], "member table")
            members = try Self.with(rows) { (raw) throws(PackError) in try MemberTable.decode(raw, blocks: blocks) }
        } catch {
            // A table that cannot be read now is not damaged, and must not be taken for an empty one.
            guard tolerant, !error.isLocalFault else { throw error }
            damage.append(PackDamage(.section, error.description))
        }
        self.blocks = blocks
        self.members = members
        links = HardLinks.resolve(members)
        ends = MemberTable.blockEnds(blocks)
        starts = Self.order(members, ends: ends)
        footerDamage = damage
    }

    private static func with<T>(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(PackError) -> T
    ) throws(PackError) -> T {
        try bytes.withUnsafeBytes { raw in Result { () throws(PackError) in try body(raw) } }.get()
    }

    private static func order(_ members: [Member], ends: [UInt64]) -> [(position: UInt64, member: Int)] {
        var starts: [(position: UInt64, member: Int)] = []
        starts.reserveCapacity(members.count)
        var sorted = true
        for (index, member) in members.enumerated() where member.contentSize > 0 {
            let position = start(of: member, ends: ends)
            sorted = sorted && position >= starts.last?.position ?? 0
            starts.append((position, index))
        }
        if !sorted { starts.sort { $0.position < $1.position } }
        return starts
    }

    /// Where a member's content begins in the raw bytes of all blocks taken together.
    static func start(of member: Member, ends: [UInt64]) -> UInt64 {
        let first = Int(member.firstBlock)
        let base = first > 0 && first <= ends.count ? ends[first - 1] : 0
        return base + UInt64(member.blockOffset)
    }

    // MARK: Facts

    /// The session facts stored in the pack.
    public func session() throws(PackError) -> SessionMetadata {
        try SessionMetadata(json: section(.session, "session facts"))
    }

    /// Reads the session facts of a pack without its tables.
    public static func session(descriptor: Int32) throws(PackError) -> SessionMetadata {
        let footer = try FooterBytes(try PackBytes(descriptor: descriptor))
        let entry = try footer.directory().first { $0.id == SectionID.session.rawValue }
        return try SessionMetadata(json: footer.content(entry, "session facts"))
    }

    /// The session's artifacts as the ledger recorded them; `Member.artifact` is an index into this list.
    public func artifacts() throws(PackError) -> [ArtifactEntry] {
        try ArtifactEntry.entries(json: section(.artifacts, "artifacts"))
    }

    /// The crash records, each a JSON text.
    public func crashes() throws(PackError) -> [[UInt8]] {
        try Self.with(section(.crashes, "crash records")) { (raw) throws(PackError) in try CrashTable.decode(raw) }
    }

    /// Tells the pack from another that takes its path; nil for a pack in memory.
    public func identity() throws(PackError) -> PackIdentity? { try bytes.identity() }

    func section(_ id: SectionID, _ name: String) throws(PackError) -> [UInt8] {
        try tail.content(sections[id.rawValue], name)
    }

    // MARK: Members and blocks

    /// The indices of the members with this path, in all artifacts or in one. An extraction would leave the last of
    /// them.
    public func members(path: [UInt8], artifact: UInt32? = nil) -> [Int] {
        members.indices.filter { members[$0].path == path && (artifact == nil || members[$0].artifact == artifact) }
    }

    /// The pieces of a member's stored content, in order.
    public func pieces(ofMember index: Int) -> [MemberPiece] {
        guard members.indices.contains(index) else { return [] }
        let member = members[index]
        var left = member.contentSize
        var block = Int(member.firstBlock)
        var offset = Int(member.blockOffset)
        var done: UInt64 = 0
        var pieces: [MemberPiece] = []
        while left > 0, block < blocks.count {
            let count = Int(min(left, UInt64(max(0, Int(blocks[block].rawSize) - offset))))
            if count > 0 {
                pieces.append(
                    MemberPiece(member: index, block: block, range: offset..<offset + count, contentOffset: done))
            }
            left -= UInt64(count)
            done += UInt64(count)
            block += 1
            offset = 0
        }
        return pieces
    }

    /// The pieces in a block, in order: one of a large member, or those of several small ones.
    public func pieces(inBlock block: Int) -> [MemberPiece] {
        guard blocks.indices.contains(block) else { return [] }
        let end = ends[block]
        let start = end - UInt64(blocks[block].rawSize)
        // The last member that begins at or before the block's first byte may reach into it.
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle].position <= start { low = middle + 1 } else { high = middle }
        }
        var pieces: [MemberPiece] = []
        for entry in starts[max(0, low - 1)...] {
            guard entry.position < end else { break }
            let memberEnd = entry.position + members[entry.member].contentSize
            let from = max(entry.position, start)
            let to = min(memberEnd, end)
            guard from < to else { continue }
            pieces.append(
                MemberPiece(
                    member: entry.member, block: block, range: Int(from - start)..<Int(to - start),
                    contentOffset: from - entry.position))
        }
        return pieces
    }

    /// The raw bytes of a block, in the decoder's buffer until its next use.
    public func decode(block index: Int, using decoder: BlockDecoder) throws(PackError) -> UnsafeRawBufferPointer {
        guard blocks.indices.contains(index) else { throw PackError(.outOfRange, "there is no block \(index)") }
        return try decoder.decode(blocks[index], from: bytes)
    }

    /// Decodes a block into `buffer`, which must have room for it, and returns its length.
    public func decode(
        block index: Int, into buffer: UnsafeMutableRawBufferPointer, using decoder: BlockDecoder
    ) throws(PackError) -> Int {
        guard blocks.indices.contains(index) else { throw PackError(.outOfRange, "there is no block \(index)") }
        guard buffer.count >= Int(blocks[index].rawSize) else {
            throw PackError(.outOfRange, "the buffer is smaller than the block")
        }
        try decoder.decode(blocks[index], from: bytes, into: buffer)
        return Int(blocks[index].rawSize)
    }

    /// Returns random access to a member's content, for use by one thread at a time.
    public func content(ofMember index: Int) throws(PackError) -> MemberContent {
        guard members.indices.contains(index) else { throw PackError(.outOfRange, "there is no member \(index)") }
        return try MemberContent(members[index], blocks: blocks, ends: ends, bytes: bytes)
    }
}

/// A run of a member's stored content within one block.
public struct MemberPiece: Sendable, Hashable {
    /// Index of the member.
    public var member: Int
    /// Index of the block.
    public var block: Int
    /// Its range in the block's raw bytes.
    public var range: Range<Int>
    /// Where it begins in the member's stored content (holes not counted).
    public var contentOffset: UInt64
}
