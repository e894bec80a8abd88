/// Returns the filters of a pack's blocks in the current format: read from the pack where it has them, otherwise built
/// from the text. One thread uses it.
public final class FilterSource {
    private let reader: PackReader
    private let decoder: BlockDecoder
    private let builder = FilterBuilder()
    private var near: (range: Range<Int>, filters: PackFilters)?

    /// Blocks whose filters are read at once: these take a few megabytes.
    private static let step = 256

    /// Creates a source for a pack; throws `resources` when memory is short.
    public init(_ reader: PackReader) throws(PackError) {
        self.reader = reader
        decoder = try BlockDecoder()
    }

    /// The filter of a block; empty when the block can have none or cannot be read.
    public func filter(of block: Int) -> [UInt8] {
        guard reader.blocks.indices.contains(block) else { return [] }
        if reader.blocks[block].filter?.format == BlockFilter.format,
            let stored = stored(block)?.withFilter(block: block, { bytes, _ in Array(bytes) })
        {
            return stored
        }
        guard reader.blocks[block].flags.allowFilter, let text = try? reader.decode(block: block, using: decoder) else {
            return []
        }
        return Array(builder.build(text))
    }

    private func stored(_ block: Int) -> PackFilters? {
        if let near, near.range.contains(block) { return near.filters }
        let range = block..<min(block + Self.step, reader.blocks.count)
        guard let filters = try? reader.filters(blocks: range) else { return nil }
        near = (range, filters)
        return filters
    }
}
