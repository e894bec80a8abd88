/// Reads the stamps of one format, with hand-written digit parsers: no allocation, no locale, some ten nanoseconds each.
public struct TimeReader: Sendable {
    /// The format read.
    public let format: TimeFormat
    /// Where missing years, days and zones come from.
    public let context: TimeContext

    /// Makes a reader.
    public init(format: TimeFormat, context: TimeContext) {
        self.format = format
        self.context = context
    }

    /// The stamp of one line.
    /// - Parameter line: the line, with or without its line feed.
    /// - Returns: milliseconds since 1970 in UTC, or nil where the line carries no stamp of this format.
    @inline(__always)
    public func stamp(of line: UnsafeRawBufferPointer) -> Int64? {
        guard let base = line.baseAddress else { return nil }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var cursor = StampCursor(bytes, end: bytes + line.count)
        return switch format {
        case .none: nil
        case .unreal: cursor.unreal()
        case .source: cursor.source(zone: context.zoneOffset)
        case .iso: cursor.iso(zone: context.zoneOffset)
        case .isoInside: cursor.isoInside(zone: context.zoneOffset)
        case .json: cursor.json(zone: context.zoneOffset)
        case .klog: cursor.klog(context)
        case .syslog: cursor.syslog(context)
        case .epoch: cursor.epoch()
        case .timeOnly: cursor.timeOnly(context)
        }
    }

    /// Earliest and latest stamp of the lines that start in a block.
    ///
    /// All lines are read, not the first and last only: threads interleave and clocks step.
    /// - Parameter block: raw bytes that begin at the start of a line.
    /// - Returns: milliseconds since 1970, or nil where no line carries a stamp.
    public func range(of block: UnsafeRawBufferPointer) -> (min: Int64, max: Int64)? {
        guard format != .none else { return nil }
        var low = Int64.max
        var high = Int64.min
        var walk = LineWalk(block)
        while let line = walk.next() {
            guard let stamp = stamp(of: line) else { continue }
            if stamp < low { low = stamp }
            if stamp > high { high = stamp }
        }
        return low <= high ? (low, high) : nil
    }

    /// The stamp in force at the end of a block, which unstamped lines that follow it inherit.
    /// - Parameter block: raw bytes that begin at the start of a line.
    /// - Returns: milliseconds since 1970, or nil where no line carries a stamp.
    public func last(of block: UnsafeRawBufferPointer) -> Int64? {
        guard format != .none else { return nil }
        var end = block.count
        if end > 0, block[end - 1] == 0x0A { end -= 1 }
        while end >= 0 {
            let start = LineWalk.lineStart(block, before: end)
            if let stamp = stamp(of: UnsafeRawBufferPointer(rebasing: block[start..<max(start, end)])) { return stamp }
            guard start > 0 else { return nil }
            end = start - 1
        }
        return nil
    }
}
