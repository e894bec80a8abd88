/// The filters of a pack, read in few large reads and verified once. May be shared between threads.
public final class PackFilters: @unchecked Sendable {
    // Written only while it is made, hence safe to share.
    private let bytes: UnsafeMutableRawBufferPointer
    /// For each block where its filter lies in `bytes`; nil when the block has none that can be trusted.
    private let places: [Place?]

    private struct Place {
        var range: Range<Int>
        var format: UInt16
    }

    /// Blocks whose filter was there but damaged; they may match anything.
    public let damaged: [Int]

    /// Filters with less than this between them are read together.
    private static let gap: UInt64 = 128 << 10

    /// A run of the file that is read at once, and the blocks whose filters it holds.
    private struct Run {
        var start: UInt64
        var end: UInt64
        var blocks: [(index: Int, filter: FilterReference)]
    }

    init(_ reader: PackReader, _ wanted: Range<Int>) throws(PackError) {
        let runs = Self.runs(reader, wanted.clamped(to: reader.blocks.indices))
        let total = runs.reduce(0) { $0 + Int($1.end - $1.start) }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(total, 1), alignment: 64)
        var places = [Place?](repeating: nil, count: reader.blocks.count)
        var damaged: [Int] = []
        var base = 0
        for run in runs {
            let part = UnsafeMutableRawBufferPointer(rebasing: bytes[base..<base + Int(run.end - run.start)])
            do throws(PackError) {
                try reader.bytes.read(at: run.start, into: part)
            } catch {
                bytes.deallocate()
                throw error
            }
            for (index, filter) in run.blocks {
                let start = base + Int(filter.offset - run.start)
                let range = start..<start + Int(filter.length)
                if PackFormat.crc32c(UnsafeRawBufferPointer(rebasing: bytes[range])) == filter.checksum {
                    places[index] = Place(range: range, format: filter.format)
                } else {
                    damaged.append(index)
                }
            }
            base += part.count
        }
        self.bytes = bytes
        self.places = places
        self.damaged = damaged.sorted()
    }

    deinit {
        bytes.deallocate()
    }

    private static func runs(_ reader: PackReader, _ wanted: Range<Int>) -> [Run] {
        var listed: [(index: Int, filter: FilterReference)] = []
        var sorted = true
        for index in wanted {
            guard let filter = reader.blocks[index].filter, BlockFilter.isKnown(filter.format) else { continue }
            sorted = sorted && filter.offset >= listed.last?.filter.offset ?? 0
            listed.append((index, filter))
        }
        if !sorted { listed.sort { $0.filter.offset < $1.filter.offset } }
        var runs: [Run] = []
        for entry in listed {
            let end = entry.filter.offset + UInt64(entry.filter.length)
            if let last = runs.last, entry.filter.offset <= last.end + gap {
                runs[runs.count - 1].end = max(last.end, end)
                runs[runs.count - 1].blocks.append(entry)
            } else {
                runs.append(Run(start: entry.filter.offset, end: end, blocks: [entry]))
            }
        }
        return runs
    }

    /// Whether a block may contain every one of the literals. True when its filter is missing or damaged.
    public func mayContain(block: Int, all probes: [FilterProbe]) -> Bool {
        guard places.indices.contains(block), let place = places[block] else { return true }
        let filter = UnsafeRawBufferPointer(rebasing: bytes[place.range])
        for probe in probes where !probe.mayMatch(filter, format: place.format) { return false }
        return true
    }

    /// Whether a block may contain at least one of the literals; true for no literals.
    public func mayContain(block: Int, any probes: [FilterProbe]) -> Bool {
        guard !probes.isEmpty, places.indices.contains(block), let place = places[block] else { return true }
        let filter = UnsafeRawBufferPointer(rebasing: bytes[place.range])
        for probe in probes where probe.mayMatch(filter, format: place.format) { return true }
        return false
    }

    /// Calls `body` with the bytes of a block's filter (verified) and its format; returns nil when there is none to trust.
    public func withFilter<T>(block: Int, _ body: (UnsafeRawBufferPointer, UInt16) throws -> T) rethrows -> T? {
        guard places.indices.contains(block), let place = places[block] else { return nil }
        return try body(UnsafeRawBufferPointer(rebasing: bytes[place.range]), place.format)
    }
}

extension PackReader {
    /// The filters of all blocks, or of some, verified.
    public func filters(blocks wanted: Range<Int>? = nil) throws(PackError) -> PackFilters {
        try PackFilters(self, wanted ?? blocks.indices)
    }
}
