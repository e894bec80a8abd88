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
    ///
    /// A line may carry its stamp behind what a supervisor or a terminal put before it (a container's name and `|`,
    /// colours, a byte order mark). A line that lacks a stamp of this format is read by another one where it begins with
    /// a full date or a time of day: in a log that two programs write, each keeps its own.
    /// - Parameter line: the line, with or without its line feed.
    /// - Returns: milliseconds since 1970 in UTC, or nil where the line carries no stamp that can be read.
    @inline(__always)
    public func stamp(of line: UnsafeRawBufferPointer) -> Int64? {
        guard format != .none, let base = line.baseAddress else { return nil }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var cursor = StampCursor(bytes, end: bytes + line.count)
        if let own = read(&cursor) { return own }
        return otherwise(bytes, end: bytes + line.count)
    }

    /// The stamp of one line in this format, behind a prefix or not; never one of another format.
    func ownStamp(of line: UnsafeRawBufferPointer) -> Int64? {
        guard let base = line.baseAddress else { return nil }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var cursor = StampCursor(bytes, end: bytes + line.count)
        var direct = cursor
        if let own = read(&direct) { return own }
        return cursor.skipPrefix() ? read(&cursor) : nil
    }

    /// The full date and time near the beginning of a line of which no format is known.
    /// - Parameters:
    ///   - line: the line, with or without its line feed.
    ///   - zoneOffset: seconds east of UTC assumed where the stamp names no zone.
    /// - Returns: milliseconds since 1970 in UTC, or nil where the line has none.
    public static func date(in line: UnsafeRawBufferPointer, zoneOffset: Int32 = 0) -> Int64? {
        guard let base = line.baseAddress else { return nil }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var cursor = StampCursor(bytes, end: bytes + line.count)
        cursor.skipPrefix()
        let context = TimeContext(zoneOffset: zoneOffset)
        if let dated = cursor.fullDate(context) { return dated }
        for format in [TimeFormat.isoInside, .monthFirst, .dayFirst, .namedMonth] {
            var inner = cursor
            if let stamp = TimeReader(format: format, context: context).read(&inner) { return stamp }
        }
        return nil
    }

    @inline(__always)
    private func read(_ cursor: inout StampCursor) -> Int64? {
        switch format {
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
        case .uptime: cursor.uptime(context)
        case .monthFirst: cursor.numericDate(monthFirst: true, context)
        case .dayFirst: cursor.numericDate(monthFirst: false, context)
        case .namedMonth: cursor.namedMonth(zone: context.zoneOffset)
        case .ctime: cursor.ctime(zone: context.zoneOffset)
        case .monthDay: cursor.monthDay(context)
        case .timeInside: cursor.timeInside(context)
        case .elapsed: cursor.elapsed(context)
        }
    }

    /// Kept out of line: most lines of most logs carry a stamp of their format where it is expected.
    @inline(never)
    private func otherwise(_ start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Int64? {
        // A line that is set in belongs to the line before.
        guard start < end, start[0] > 0x20 || start[0] == 0x1B else { return nil }
        var cursor = StampCursor(start, end: end)
        if cursor.skipPrefix() {
            var own = cursor
            if let stamp = read(&own) { return stamp }
        }
        if let dated = cursor.fullDate(context) { return dated }
        // Without a session's start a time of day is of no day.
        guard format != .timeOnly, context.sessionStart != 0, let time = cursor.timeOnly(context) else { return nil }
        // `00:1a:2b:3c:4d:5e` is an address.
        let isAddress = cursor.left >= 2 && cursor.at[0] == 0x3A && cursor.at[1] != 0x20
        return isAddress ? nil : time
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
