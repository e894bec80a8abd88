/// The filters of a pack, read in few large reads and verified once.
public struct PackFilters: Sendable {
    private let bytes: [UInt8]
    /// For each block where its filter lies in `bytes`; nil when the block has none that can be trusted.
    private let places: [Range<Int>?]
    /// Blocks whose filter was there but damaged; they may match anything.
    public let damaged: [Int]

    /// Filters with less than this between them are read together.
    private static let gap: UInt64 = 128 << 10

    init(_ reader: PackReader, _ wanted: Range<Int>) throws(PackError) {
        let wanted = wanted.clamped(to: reader.blocks.indices)
        var bytes: [UInt8] = []
        var places = [Range<Int>?](repeating: nil, count: reader.blocks.count)
        var damaged: [Int] = []
        let listed = wanted.filter { reader.blocks[$0].filter?.format == BlockFilter.format }
            .sorted { reader.blocks[$0].filter?.offset ?? 0 < reader.blocks[$1].filter?.offset ?? 0 }
        var index = 0
        while index < listed.count {
            guard let first = reader.blocks[listed[index]].filter else { break }
            var end = first.offset + UInt64(first.length)
            var stop = index + 1
            while stop < listed.count, let next = reader.blocks[listed[stop]].filter, next.offset <= end &+ Self.gap {
                end = max(end, next.offset + UInt64(next.length))
                stop += 1
            }
            let base = bytes.count
            bytes += try reader.bytes.read(at: first.offset, count: Int(end - first.offset))
            for block in listed[index..<stop] {
                guard let filter = reader.blocks[block].filter else { continue }
                let start = base + Int(filter.offset - first.offset)
                let range = start..<start + Int(filter.length)
                let sound = bytes.withUnsafeBytes {
                    PackFormat.crc32c(UnsafeRawBufferPointer(rebasing: $0[range])) == filter.checksum
                }
                if sound { places[block] = range } else { damaged.append(block) }
            }
            index = stop
        }
        self.bytes = bytes
        self.places = places
        self.damaged = damaged
    }

    /// Whether a block may contain every one of the literals. True when its filter is missing or damaged.
    public func mayContain(block: Int, all probes: [FilterProbe]) -> Bool {
        guard places.indices.contains(block), let range = places[block] else { return true }
        return bytes.withUnsafeBytes { raw in
            let filter = UnsafeRawBufferPointer(rebasing: raw[range])
            for probe in probes where !probe.mayMatch(filter) { return false }
            return true
        }
    }

    /// Whether a block may contain at least one of the literals; true for no literals.
    public func mayContain(block: Int, any probes: [FilterProbe]) -> Bool {
        guard !probes.isEmpty, places.indices.contains(block), let range = places[block] else { return true }
        return bytes.withUnsafeBytes { raw in
            let filter = UnsafeRawBufferPointer(rebasing: raw[range])
            for probe in probes where probe.mayMatch(filter) { return true }
            return false
        }
    }

    /// Calls `body` with the bytes of a block's filter (format 1, verified); returns nil when there is none to trust.
    public func withFilter<T>(block: Int, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T? {
        guard places.indices.contains(block), let range = places[block] else { return nil }
        return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}

extension PackReader {
    /// The filters of all blocks, or of some, verified.
    public func filters(blocks wanted: Range<Int>? = nil) throws(PackError) -> PackFilters {
        try PackFilters(self, wanted ?? blocks.indices)
    }
}
