/// Reads one member's logical content at any offset, holes as zeros. For use by one thread at a time.
public final class MemberContent {
    /// Logical size in bytes.
    public let size: UInt64

    private let blocks: [Block]
    private let ends: [UInt64]
    private let bytes: PackBytes
    private let start: UInt64
    private let holes: [Hole]
    /// For each hole, the sum of the lengths of those before it.
    private let holesBefore: [UInt64]
    private let decoder: BlockDecoder
    private var cache: [CachedBlock] = []
    private var clock = 0

    /// Decoded blocks kept: enough for the few places that reading a crash report alternates between.
    private static let cacheSize = 8

    private final class CachedBlock {
        var block: Int
        var used = 0
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: PackFormat.blockSize, alignment: 64)

        init(_ block: Int) { self.block = block }

        deinit { raw.deallocate() }
    }

    init(_ member: Member, blocks: [Block], ends: [UInt64], bytes: PackBytes) throws(PackError) {
        size = member.size
        self.blocks = blocks
        self.ends = ends
        self.bytes = bytes
        start = PackReader.start(of: member, ends: ends)
        holes = member.holes
        var total: UInt64 = 0
        holesBefore = member.holes.map { hole in
            defer { total &+= hole.length }
            return total
        }
        decoder = try BlockDecoder()
    }

    /// Reads up to `buffer.count` bytes at `offset` and returns the count; fewer only at the end of the member.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        guard offset < size else { return 0 }
        let wanted = Int(min(UInt64(buffer.count), size - offset))
        var done = 0
        while done < wanted {
            let position = offset + UInt64(done)
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<wanted])
            done += try readRun(at: position, into: part)
        }
        return done
    }

    /// Reads at least one byte from `position`, up to the end of a hole or block.
    private func readRun(at position: UInt64, into part: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        // The number of holes that begin at or before the position.
        var low = 0
        var high = holes.count
        while low < high {
            let middle = (low + high) / 2
            if holes[middle].offset <= position { low = middle + 1 } else { high = middle }
        }
        var skipped: UInt64 = 0
        if low > 0 {
            let hole = holes[low - 1]
            if position - hole.offset < hole.length {
                let count = Int(min(UInt64(part.count), hole.offset + hole.length - position))
                UnsafeMutableRawBufferPointer(rebasing: part[..<count]).initializeMemory(as: UInt8.self, repeating: 0)
                return count
            }
            skipped = holesBefore[low - 1] + hole.length
        }
        let limit = low < holes.count ? Int(min(UInt64(part.count), holes[low].offset - position)) : part.count
        return try readContent(at: start + (position - skipped), into: part, limit)
    }

    private func readContent(
        at position: UInt64, into part: UnsafeMutableRawBufferPointer, _ limit: Int
    ) throws(PackError) -> Int {
        var low = 0
        var high = ends.count
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] <= position { low = middle + 1 } else { high = middle }
        }
        guard low < blocks.count else { throw PackError(.outOfRange, "the member's content is not in the pack") }
        let offset = Int(position - (ends[low] - UInt64(blocks[low].rawSize)))
        let count = min(limit, Int(blocks[low].rawSize) - offset)
        let raw = try decoded(low)
        part.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[offset..<offset + count]))
        return count
    }

    private func decoded(_ block: Int) throws(PackError) -> UnsafeMutableRawBufferPointer {
        clock += 1
        if let hit = cache.first(where: { $0.block == block }) {
            hit.used = clock
            return hit.raw
        }
        let slot: CachedBlock
        if cache.count >= Self.cacheSize, let oldest = cache.min(by: { $0.used < $1.used }) {
            slot = oldest
        } else {
            slot = CachedBlock(block)
            cache.append(slot)
        }
        // Until the slot is filled, it must not match any block.
        slot.block = -1
        try decoder.decode(blocks[block], from: bytes, into: slot.raw)
        slot.block = block
        slot.used = clock
        return slot.raw
    }
}
