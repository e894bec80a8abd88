/// The memory stored in a minidump: stacks and other regions.
final class MinidumpMemory: ProcessMemory {
    struct Region {
        var start: UInt64
        var size: UInt64
        var offset: UInt64
    }

    private static let pageSize: UInt64 = 4096
    private static let pageLimit = 512

    private let source: any ByteSource
    private var regions: [Region] = []
    private var pages: [UInt64: [UInt8]] = [:]

    init(source: any ByteSource) { self.source = source }

    func add(_ region: Region) {
        guard region.size > 0, region.start.addingClamped(region.size) != .max else { return }
        regions.append(region)
    }

    /// Sorts the regions; call it before any lookup.
    func seal() { regions.sort { ($0.start, $0.size) < ($1.start, $1.size) } }

    func region(_ address: UInt64) -> Region? {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        // Regions may overlap: checking the nearest few starts below suffices in practice and bounds the search.
        for at in stride(from: low - 1, through: max(0, low - 8), by: -1) where at >= 0 {
            if address - regions[at].start < regions[at].size { return regions[at] }
        }
        return nil
    }

    func bytes(at address: UInt64, count: Int) -> [UInt8] {
        guard count > 0, let region = region(address) else { return [] }
        let inside = address - region.start
        return source.bytes(
            at: region.offset.addingClamped(inside), count: Int(min(UInt64(count), region.size - inside)))
    }

    func load(_ address: UInt64, size: Int) -> UInt64? {
        guard size > 0, size <= 8, let region = region(address), address - region.start <= region.size,
            region.size - (address - region.start) >= UInt64(size)
        else { return nil }
        let offset = region.offset.addingClamped(address - region.start)
        let start = offset / Self.pageSize * Self.pageSize
        if pages[start] == nil {
            if pages.count >= Self.pageLimit { pages.removeAll(keepingCapacity: true) }
            pages[start] = source.bytes(at: start, count: Int(Self.pageSize))
        }
        let skip = Int(offset - start)
        guard let page = pages[start], skip + size <= page.count else {
            let raw = source.bytes(at: offset, count: size)
            return raw.count == size ? raw.reversed().reduce(0) { $0 << 8 | UInt64($1) } : nil
        }
        return page[skip..<skip + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
