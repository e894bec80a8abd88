internal import Bytes
internal import CFilter
internal import Pack

/// The packs and filters of segments, to be sliced.
struct SegmentColumns: SliceColumns {
    /// The packs, in the order of their columns.
    private(set) var packs: [SlicePack] = []
    /// The filters of each size, as words.
    private var filters: [UInt32: [UInt64]] = [:]
    private var known: Set<[UInt8]> = []

    /// Adds the packs of a segment whose records are sound.
    ///
    /// - Parameter isCurrent: whether a pack of this path and size is still a session's pack.
    mutating func add(_ segment: FilterSegment, isCurrent: (String, UInt64) -> Bool) {
        segment.forEachRow { row in
            guard let row, row.packBytes > 0, isCurrent(row.pathText, row.packBytes),
                known.insert(Array(row.path)).inserted
            else { return }
            add(row)
        }
    }

    private mutating func add(_ row: FilterRow) {
        let path = Array(row.path)
        guard !row.isInPack, let places = row.places, places.blocks.count <= SliceFormat.mostBlocks else {
            packs.append(SlicePack(path: path, packBytes: row.packBytes, footer: row.places?.footer ?? 0, blocks: nil))
            return
        }
        var blocks = places.blocks.map { SlicePack.Block(place: $0, bits: 0) }
        row.forEachFilter { block, filter in
            guard let filter else { return }
            let words = FilterResizing.words(filter)
            blocks[block].bits = UInt32(words.count) * 64
            filters[blocks[block].bits, default: []] += words
        }
        packs.append(SlicePack(path: path, packBytes: row.packBytes, footer: places.footer, blocks: blocks))
    }

    mutating func fill(
        _ rows: UnsafeMutablePointer<UInt64>, bits: UInt32, first: Int, words: Int
    ) throws(BlockIndexError) {
        guard let columns = filters[bits] else { return }
        let perColumn = Int(bits) / 64
        let count = columns.count / perColumn
        columns.withUnsafeBufferPointer { columns in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 64) { tile in
                for word in 0..<min(words, (count + 63) / 64) {
                    for column in 0..<64 {
                        let index = word * 64 + column
                        tile[column] = index < count ? columns[index * perColumn + first / 64] : 0
                    }
                    FilterResizing.transpose(tile)
                    for row in 0..<64 { rows[row * words + word] = tile[row] }
                }
            }
        }
    }
}

/// Changes the shape of filters.
enum FilterResizing {
    /// The words of a filter. One whose size is none of today's classes, from an earlier version, is widened to the next
    /// class, and then admits more blocks than before, never fewer.
    static func words(_ filter: UnsafeRawBufferPointer) -> [UInt64] {
        let bits = UInt32(filter.count) * 8
        let target = sizeClass(atLeast: bits)
        let words = (0..<filter.count / 8).map { filter.integer(at: $0 * 8, as: UInt64.self) ?? 0 }
        guard target != bits else { return words }
        var wide = [UInt64](repeating: 0, count: Int(target) / 64)
        for place in 0..<UInt64(SALVAGE_FILTER_PLACES) {
            let from = Int((place * UInt64(bits)) >> UInt64(SALVAGE_FILTER_MASTER_BITS))
            guard words[from / 64] >> UInt64(from % 64) & 1 == 1 else { continue }
            let to = Int((place * UInt64(target)) >> UInt64(SALVAGE_FILTER_MASTER_BITS))
            wide[to / 64] |= 1 << UInt64(to % 64)
        }
        return wide
    }

    private static func sizeClass(atLeast bits: UInt32) -> UInt32 {
        var wanted = bits
        while salvage_filter_class(wanted) < bits { wanted += 64 }
        return salvage_filter_class(wanted)
    }

    /// Exchanges rows and columns of 64 × 64 bits, where bit c of word r is column c of row r.
    ///
    /// Source: Henry S. Warren, "Hacker's Delight", second edition, section 7-3, for 64 bits.
    static func transpose(_ tile: UnsafeMutableBufferPointer<UInt64>) {
        var width = 32
        var mask: UInt64 = 0x0000_0000_FFFF_FFFF
        while width > 0 {
            var row = 0
            while row < 64 {
                let swapped = (tile[row] >> UInt64(width) ^ tile[row + width]) & mask
                tile[row] ^= swapped << UInt64(width)
                tile[row + width] ^= swapped
                row = (row + width + 1) & ~width
            }
            width /= 2
            mask ^= mask << UInt64(width)
        }
    }
}
