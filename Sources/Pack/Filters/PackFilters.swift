/// The filters of a pack, loaded in few large reads and verified once. Several threads may share it.
public final class PackFilters: @unchecked Sendable {
    // Written only during init, hence safe to share.
    private let bytes: UnsafeMutableRawBufferPointer
    /// The location of each block's filter in `bytes`; nil when the block has no valid one.
    private let places: [Place?]

    private struct Place {
        var range: Range<Int>
        var format: UInt16
    }

    /// Blocks whose filter is damaged; they may match anything.
    public let damaged: [Int]

    /// Filters at most this many bytes apart are read together.
    private static let gap: UInt64 = 128 << 10

    /// A range of the file that is read at once, and the blocks whose filters are in it.
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

    /// Whether a block may contain every one of the literals. True when the filter is missing or damaged.
    public func mayContain(block: Int, all probes: [FilterProbe]) -> Bool {
        guard places.indices.contains(block), let place = places[block] else { return true }
        let filter = UnsafeRawBufferPointer(rebasing: bytes[place.range])
        for probe in probes where !probe.mayMatch(filter, format: place.format) { return false }
        return true
    }

    /// Whether a block may contain at least one of the literals. True without literals, or when the filter is missing
    /// or damaged.
    public func mayContain(block: Int, any probes: [FilterProbe]) -> Bool {
        guard !probes.isEmpty, places.indices.contains(block), let place = places[block] else { return true }
        let filter = UnsafeRawBufferPointer(rebasing: bytes[place.range])
        for probe in probes where probe.mayMatch(filter, format: place.format) { return true }
        return false
    }

    /// Calls `body` with the verified bytes of a block's filter and its format; returns nil when the block has no valid
    /// one.
    public func withFilter<T>(block: Int, _ body: (UnsafeRawBufferPointer, UInt16) throws -> T) rethrows -> T? {
        guard places.indices.contains(block), let place = places[block] else { return nil }
        return try body(UnsafeRawBufferPointer(rebasing: bytes[place.range]), place.format)
    }
}

extension PackReader {
    /// Loads and verifies the filters of all blocks, or of a range.
    public func filters(blocks wanted: Range<Int>? = nil) throws(PackError) -> PackFilters {
        try PackFilters(self, wanted ?? blocks.indices)
    }
}
