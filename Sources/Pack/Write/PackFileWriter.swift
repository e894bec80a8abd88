import Bytes

/// The output side of the writer: gathers frames and filters into large writes and keeps the tables.
///
/// Only one thread uses it at a time: the one that commits blocks, or the producer after a drain.
final class PackFileWriter {
    let descriptor: Int32
    private(set) var offset: UInt64 = 0
    private(set) var blocks: [Block] = []
    private(set) var rawBytes: UInt64 = 0
    private(set) var storedBytes: UInt64 = 0
    private(set) var filterBytes: UInt64 = 0
    private(set) var anchors: [MemberAnchor] = []
    private(set) var anchorsDropped = false

    /// Totals of members whose blocks are all written.
    let tallies: PagedBytes
    /// The member that may have more blocks, and its totals so far.
    private var running: (member: Int, tally: Tally)?
    private let inspector: (any BlockInspector)?
    private let buffer: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var pendingFilters: [UInt8] = []
    private var pendingBlocks: [(block: Int, start: Int)] = []
    /// Whether filters are returned to the caller; false once there are too many.
    private var keepsAside: Bool

    /// Filters are held in memory up to this many bytes, so that those of most packs are stored together at the end.
    private static let filterRun = 2 << 20
    private static let bufferSize = 1 << 20
    static let maxAnchors = 1 << 16

    /// The totals of a member that its next block continues.
    private struct Tally {
        var stored: UInt64 = 0
        var newlines: UInt64 = 0
        var endsOpen = false
        var facts: BlockInspection?
    }

    init(
        descriptor: Int32, inspector: (any BlockInspector)?, filtersAside: Bool, tables: PageFile? = nil
    ) {
        self.descriptor = descriptor
        keepsAside = filtersAside
        tallies = PagedBytes(file: tables)
        self.inspector = inspector
        buffer = .allocate(byteCount: Self.bufferSize, alignment: 64)
    }

    deinit {
        buffer.deallocate()
    }

    /// Sets the totals of a member copied from an older pack.
    func setTally(_ member: Int, _ tally: MemberTally) throws(PackError) { try tallies.store(tally, member) }

    /// Stores the totals of the last member.
    func settleTallies() throws(PackError) {
        if let (member, tally) = running { try settle(member, tally) }
        running = nil
    }

    private func settle(_ member: Int, _ tally: Tally) throws(PackError) {
        try tallies.store(
            MemberTally(stored: tally.stored, lines: tally.newlines + (tally.endsOpen ? 1 : 0)), member)
    }

    func takeAnchors() -> [MemberAnchor] {
        defer { anchors = [] }
        return anchors
    }

    /// Writes a finished block and adds it to the block table.
    func commit(_ job: BlockJob) throws(PackError) {
        var block = Block(offset: offset, storedSize: UInt32(job.frameSize), rawSize: UInt32(job.count))
        block.flags = job.flags
        try note(job, in: &block)
        try append(job.compressed)
        if !job.filter.isEmpty { block.filter = FilterReference(job.filter) }
        try add(block, filter: job.filter)
    }

    /// Adds a block whose frame was just appended to the block table.
    func add(_ block: Block, filter: some Collection<UInt8>) throws(PackError) {
        if block.filter != nil {
            // Growth by doubling would hold the filters twice.
            if pendingFilters.isEmpty, !keepsAside {
                pendingFilters.reserveCapacity(Self.filterRun + BlockFilter.maxSize)
            }
            pendingBlocks.append((blocks.count, pendingFilters.count))
            pendingFilters.append(contentsOf: filter)
        }
        blocks.append(block)
        rawBytes += UInt64(block.rawSize)
        storedBytes += UInt64(block.storedSize)
        if pendingFilters.count > (keepsAside ? PackFormat.mostFiltersAside : Self.filterRun) {
            keepsAside = false
            try writeFilters()
        }
    }

    private func note(_ job: BlockJob, in block: inout Block) throws(PackError) {
        var times: (min: Int64, max: Int64)?
        var timed = true
        // A block of whole small members may be written between two blocks of a large member.
        var current = job.isWhole ? nil : running
        for (index, piece) in job.pieces.enumerated() {
            let number = piece.context.member
            if let (member, tally) = current, member != number {
                try settle(member, tally)
                current = nil
            }
            var tally = current?.tally ?? Tally()
            if index == 0, !job.flags.contains(.batch) { block.firstLine = tally.newlines + 1 }
            let facts = inspector?.settle(job.facts[index], after: tally.facts, piece.context) ?? job.facts[index]
            keep(facts.anchors, of: piece)
            tally.facts = facts
            tally.facts?.anchors = []
            tally.newlines += UInt64(job.newlines[index])
            if job.flags.contains(.text) { tally.endsOpen = job.bytes(of: piece).last != UInt8(ascii: "\n") }
            tally.stored += UInt64(job.frameSize) * UInt64(piece.length) / UInt64(max(job.count, 1))
            current = (number, tally)
            if let first = facts.minTime, let last = facts.maxTime {
                times = (min(first, times?.min ?? first), max(last, times?.max ?? last))
            } else {
                // A piece of unknown time makes the block's time unknown: the times of other pieces must not exclude it
                // from a search.
                timed = false
            }
        }
        if !job.isWhole {
            running = current
        } else if let (member, tally) = current {
            try settle(member, tally)
        }
        if timed, let times {
            block.minTime = times.min
            block.maxTime = times.max
        }
    }

    private func keep(_ found: [BlockAnchor], of piece: Piece) {
        for anchor in found {
            guard anchors.count < Self.maxAnchors else {
                anchorsDropped = true
                return
            }
            anchors.append(
                MemberAnchor(
                    member: piece.context.member, offset: piece.context.memberOffset + UInt64(anchor.offset),
                    id: anchor.id))
        }
    }

    /// Appends bytes to the file, through the buffer unless they are large.
    func append(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        if bytes.count > buffer.count - filled { try flush() }
        if bytes.count >= buffer.count {
            try PackFile.write(descriptor, bytes, at: offset)
        } else if bytes.count > 0 {
            UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
            filled += bytes.count
        }
        offset += UInt64(bytes.count)
    }

    func append(_ bytes: [UInt8]) throws(PackError) {
        // Not every toolchain's withUnsafeBytes supports typed throws, hence the Result.
        let result = bytes.withUnsafeBytes { raw in Result { () throws(PackError) in try append(raw) } }
        try result.get()
    }

    /// Writes out the buffer.
    func flush() throws(PackError) {
        guard filled > 0 else { return }
        let start = offset - UInt64(filled)
        try PackFile.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[..<filled]), at: start)
        filled = 0
    }

    /// Returns the filter of each block; nil when filters are written into the pack.
    func takeFilters() -> [[UInt8]]? {
        guard keepsAside else { return nil }
        var filters = [[UInt8]](repeating: [], count: blocks.count)
        for (index, pending) in pendingBlocks.enumerated() {
            let end = index + 1 < pendingBlocks.count ? pendingBlocks[index + 1].start : pendingFilters.count
            filters[pending.block] = Array(pendingFilters[pending.start..<end])
            blocks[pending.block].filter = nil
        }
        pendingFilters = []
        pendingBlocks = []
        return filters
    }

    /// Writes the waiting filters as one skippable frame.
    func writeFilters() throws(PackError) {
        guard !pendingFilters.isEmpty else { return }
        var header = ByteWriter()
        header.put(PackFormat.filterFrame)
        header.put(UInt32(pendingFilters.count))
        try append(header.bytes)
        for pending in pendingBlocks { blocks[pending.block].filter?.offset = offset + UInt64(pending.start) }
        try append(pendingFilters)
        filterBytes += UInt64(pendingFilters.count)
        pendingFilters.removeAll(keepingCapacity: true)
        pendingBlocks.removeAll(keepingCapacity: true)
    }

    /// Overwrites bytes that were appended earlier.
    func patch(_ bytes: [UInt8], at place: UInt64) throws(PackError) {
        try flush()
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(PackError) in try PackFile.write(descriptor, raw, at: place) }
        }
        try result.get()
    }
}
