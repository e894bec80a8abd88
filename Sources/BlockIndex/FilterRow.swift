internal import Bytes
internal import CFilter
internal import Pack

/// One pack's filters: a record of a day's file under `filters/`.
///
/// Little-endian, each record a multiple of 8 bytes:
///
///     0  u32 "SVF2" or "SVF3"   4  u32 length of header to table      8  u64 length of the record
///     16 u64 size of the pack in bytes, 0 when it was removed         24 u32 length of the path
///     28 u32 blocks        32 u32 filter format                       36 u32 CRC-32C of header to table
///     40 path relative to the store, padded with zeros to 8
///        only "SVF3": u64 offset of the pack's footer, then 12 bytes for the place of each block (``BlockPlace``), padded
///        with zeros to 8
///        table: for each block u32 length of its filter (0: none); then for each 512 bytes of each filter their u32
///        CRC-32C; padded with zeros to 8
///        the filters, one after the other, padded with zeros to 8
///
/// A later record of the same path replaces an earlier one. The pack's size shows whether a record is for the pack's
/// current generation: a new generation is always larger. Only records for a bucket have places, which save a search a
/// round of requests. Records of the first layout ("SVFR", whose table holds u32 length and u32 CRC-32C of each filter)
/// are read as well.
struct FilterRow {
    static let magic: UInt32 = 0x3246_5653
    static let placedMagic: UInt32 = 0x3346_5653
    static let firstMagic: UInt32 = 0x5246_5653
    static let headerSize = 40
    /// In place of a format: the filters are stored in the pack.
    static let inPack: UInt16 = 0
    /// Bytes of a filter per checksum: a search reads and verifies only the sectors that exclude a block.
    static let sector = 512

    /// Path of the pack relative to the store, raw bytes.
    let path: UnsafeRawBufferPointer
    /// Size of the pack in bytes; 0 when it was removed.
    let packBytes: UInt64
    /// Number of blocks in the pack.
    let blocks: Int
    private let format: UInt16
    /// The footer's offset and the blocks' places; empty in records without them.
    private let placed: UnsafeRawBufferPointer
    private let table: UnsafeRawBufferPointer
    private let filters: UnsafeRawBufferPointer
    private let isSectored: Bool
    let totalLength: Int

    /// Reads the record at the start of `bytes`; nil when it is not valid.
    /// - Parameter isVerified: whether its checksum was verified before.
    init?(_ bytes: UnsafeRawBufferPointer, isVerified: Bool = false) {
        guard bytes.count >= Self.headerSize else { return nil }
        let magic = Self.word(bytes, 0)
        guard magic == Self.magic || magic == Self.placedMagic || magic == Self.firstMagic else { return nil }
        let head = Int(Self.word(bytes, 4))
        let total = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).littleEndian
        let pathLength = Int(Self.word(bytes, 24))
        let blocks = Int(Self.word(bytes, 28))
        guard total <= UInt64(bytes.count), total % 8 == 0, head >= Self.headerSize, head <= Int(total),
            pathLength <= 65_536
        else { return nil }
        let placesStart = Self.headerSize + (pathLength + 7) / 8 * 8
        let tableStart = placesStart + (magic == Self.placedMagic ? Self.placesLength(blocks) : 0)
        let perBlock = magic == Self.firstMagic ? 8 : 4
        guard tableStart <= head, blocks * perBlock <= head - tableStart else { return nil }
        if !isVerified {
            var crc = salvage_crc32c(0, bytes.baseAddress, 36)
            var zero: UInt32 = 0
            crc = salvage_crc32c(crc, &zero, 4)
            crc = salvage_crc32c(crc, bytes.baseAddress.map { $0 + Self.headerSize }, head - Self.headerSize)
            guard crc == Self.word(bytes, 36) else { return nil }
        }
        path = UnsafeRawBufferPointer(rebasing: bytes[Self.headerSize..<Self.headerSize + pathLength])
        packBytes = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self).littleEndian
        self.blocks = blocks
        format = UInt16(truncatingIfNeeded: Self.word(bytes, 32))
        placed = UnsafeRawBufferPointer(rebasing: bytes[placesStart..<tableStart])
        table = UnsafeRawBufferPointer(rebasing: bytes[tableStart..<head])
        filters = UnsafeRawBufferPointer(rebasing: bytes[head..<Int(total)])
        isSectored = magic != Self.firstMagic
        totalLength = Int(total)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
        bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self).littleEndian
    }

    /// Decides which blocks may match a query.
    ///
    /// A filter excludes a block only if the checksum of the excluding bytes is right.
    func answer(_ query: ProbeTree) -> FilterAnswer {
        if format == Self.inPack { return .askPack }
        var flags: [Bool]?
        var offset = 0
        var sector = 0
        for block in 0..<blocks {
            let length = Int(Self.word(table, block * (isSectored ? 4 : 8)))
            guard length <= filters.count - offset else { return .blocks([Bool](repeating: true, count: blocks)) }
            let filter = UnsafeRawBufferPointer(rebasing: filters[offset..<offset + length])
            let first = sector
            offset += length
            sector += (length + Self.sector - 1) / Self.sector
            let passes =
                length == 0
                || query.mayMatch(filter, format: format) { holds(at: $0, of: filter, block, first) }
            guard passes else { continue }
            if flags == nil { flags = [Bool](repeating: false, count: blocks) }
            flags?[block] = true
        }
        return flags.map(FilterAnswer.blocks) ?? .noBlock(of: blocks)
    }

    /// Whether the checksum that covers byte `at` of a filter is right.
    /// - Parameter sector: index of the filter's first sector among all sectors of the record.
    private func holds(at: Int, of filter: UnsafeRawBufferPointer, _ block: Int, _ sector: Int) -> Bool {
        guard isSectored else {
            return salvage_crc32c(0, filter.baseAddress, filter.count) == Self.word(table, block * 8 + 4)
        }
        let index = at / Self.sector
        let place = (blocks + sector + index) * 4
        guard place + 4 <= table.count else { return false }
        let start = index * Self.sector
        let part = UnsafeRawBufferPointer(rebasing: filter[start..<min(start + Self.sector, filter.count)])
        return salvage_crc32c(0, part.baseAddress, part.count) == Self.word(table, place)
    }

    private static func placesLength(_ blocks: Int) -> Int { (8 + blocks * BlockPlace.size + 7) / 8 * 8 }

    /// Where the pack's blocks and its footer are; nil in a record without places, or with places outside the pack.
    var places: PackPlaces? {
        guard let footer = placed.integer(at: 0, as: UInt64.self) else { return nil }
        let blocks = (0..<blocks).compactMap { BlockPlace(placed, at: 8 + $0 * BlockPlace.size) }
        let places = PackPlaces(footer: footer, blocks: blocks)
        return blocks.count == self.blocks && places.isValid(packBytes: packBytes) ? places : nil
    }

    /// Whether the pack contains its filters.
    var isInPack: Bool { format == Self.inPack }

    /// Whether the filters, wherever they are, are usable by this version.
    var isCurrent: Bool { isInPack || format == BlockFilter.format }

    /// Calls `body` with each block's filter, or nil for a block without one, with a damaged one, or with one of another
    /// format than the current. Blocks that the record has no bytes for have none.
    func forEachFilter(_ body: (Int, UnsafeRawBufferPointer?) -> Void) {
        var offset = 0
        var sector = 0
        for block in 0..<blocks {
            let length = Int(Self.word(table, block * (isSectored ? 4 : 8)))
            guard format == BlockFilter.format, length >= 8, length % 8 == 0, length <= BlockFilter.maxSize,
                length <= filters.count - offset
            else {
                body(block, nil)
                offset += min(length, filters.count - offset)
                sector += (length + Self.sector - 1) / Self.sector
                continue
            }
            let filter = UnsafeRawBufferPointer(rebasing: filters[offset..<offset + length])
            let first = sector
            let isSound = stride(from: 0, to: length, by: Self.sector).allSatisfy {
                holds(at: $0, of: filter, block, first)
            }
            body(block, isSound ? filter : nil)
            offset += length
            sector += (length + Self.sector - 1) / Self.sector
        }
    }

    /// The record of the same pack and filters with places, in the current layout; nil if they are not of this pack.
    /// - Parameter path: where the pack is, relative to the store; nil for where the record says.
    func located(_ places: PackPlaces, at path: String? = nil) -> [UInt8]? {
        let path = path ?? pathText
        guard isInPack || places.blocks.count == blocks, places.isValid(packBytes: packBytes) else { return nil }
        if isInPack {
            return Self.encode(path: path, packBytes: packBytes, filters: [], format: format, places: nil)
        }
        var found: [[UInt8]] = []
        forEachFilter { _, filter in found.append(filter.map { Array($0) } ?? []) }
        return Self.encode(
            path: path, packBytes: packBytes, filters: found, format: BlockFilter.format, places: places)
    }

    /// The path as text.
    var pathText: String { String(decoding: path, as: UTF8.self) }

    /// Encodes a record.
    /// - Parameters:
    ///   - filters: the verified filter of each block; empty for none.
    ///   - format: the filters' format.
    ///   - places: the places of the same blocks, for a pack in a bucket.
    static func encode(
        path: String, packBytes: UInt64, filters: [[UInt8]], format: UInt16, places: PackPlaces? = nil
    ) -> [UInt8] {
        let name = Array(path.utf8)
        let sectors = filters.reduce(0) { $0 + ($1.count + sector - 1) / sector }
        let head =
            headerSize + (name.count + 7) / 8 * 8 + (places == nil ? 0 : placesLength(filters.count))
            + (filters.count * 4 + sectors * 4 + 7) / 8 * 8
        let content = filters.reduce(0) { $0 + $1.count }
        var out = ByteWriter(capacity: head + content + 8)
        out.put(places == nil ? magic : placedMagic)
        out.put(UInt32(head))
        out.put(UInt64(head + (content + 7) / 8 * 8))
        out.put(packBytes)
        out.put(UInt32(name.count))
        out.put(UInt32(filters.count))
        out.put(UInt32(format))
        out.put(UInt32(0))
        out.put(bytes: name)
        out.pad(to: 8)
        if let places {
            out.put(places.footer)
            for block in places.blocks { block.write(to: &out) }
            out.pad(to: 8)
        }
        for filter in filters { out.put(UInt32(filter.count)) }
        for filter in filters {
            filter.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: sector) {
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + sector, bytes.count)])
                    out.put(salvage_crc32c(0, part.baseAddress, part.count))
                }
            }
        }
        out.pad(to: 8)
        let crc = out.bytes.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) }
        out.patch(crc, at: 36)
        for filter in filters { out.put(bytes: filter) }
        out.pad(to: 8)
        return out.bytes
    }
}
