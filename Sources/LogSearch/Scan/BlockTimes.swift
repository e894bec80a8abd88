public import LogTime
public import Pack

extension TimeReader {
    /// Returns a block inspector's findings about a block's times.
    /// - Parameter block: raw bytes that begin at the start of a line.
    public func facts(of block: UnsafeRawBufferPointer) -> BlockInspection {
        guard format != .none, let range = range(of: block) else { return BlockInspection(startsUntimed: true) }
        let first = UnsafeRawBufferPointer(rebasing: block[0..<block.lineEnd(from: 0)])
        return BlockInspection(
            minTime: range.min, maxTime: range.max, lastTime: last(of: block), startsUntimed: stamp(of: first) == nil)
    }
}
