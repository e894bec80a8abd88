/// Reads the timestamps of one format, with hand-written digit parsers: no allocation, no locale, some ten nanoseconds
/// each.
public struct TimeReader: Sendable {
    /// The format.
    public let format: TimeFormat
    /// The source of missing years, days and zones.
    public let context: TimeContext

    /// Creates a reader.
    public init(format: TimeFormat, context: TimeContext) {
        self.format = format
        self.context = context
    }

    /// Reads the timestamp of one line.
    ///
    /// The timestamp may follow a prefix from a supervisor or terminal (a container's name and `|`, colors, a byte
    /// order mark). A line without a timestamp of this format is read in another one if it begins with a full date or a
    /// time of day, for logs written by two programs.
    /// - Parameter line: the line, with or without its line feed.
    /// - Returns: milliseconds since 1970 UTC, or nil when the line has no known timestamp.
    @inline(__always)
    public func stamp(of line: UnsafeRawBufferPointer) -> Int64? {
        guard format != .none, let base = line.baseAddress else { return nil }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var cursor = StampCursor(bytes, end: bytes + line.count)
        if let own = read(&cursor) { return own }
        return otherwise(bytes, end: bytes + line.count)
    }

    /// Reads the timestamp of one line in this format only, with or without a prefix.
    func ownStamp(of line: UnsafeRawBufferPointer) -> Int64? {
        guard let base = line.baseAddress else { return nil }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        var cursor = StampCursor(bytes, end: bytes + line.count)
        var direct = cursor
        if let own = read(&direct) { return own }
        return cursor.skipPrefix() ? read(&cursor) : nil
    }

    /// Reads the full date and time near the beginning of a line of unknown format.
    /// - Parameters:
    ///   - line: the line, with or without its line feed.
    ///   - zoneOffset: the zone of timestamps without one, in seconds east of UTC.
    /// - Returns: milliseconds since 1970 UTC, or nil when the line has none.
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

    /// Not inlined: most lines of most logs have a timestamp of their format where it is expected.
    @inline(never)
    private func otherwise(_ start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Int64? {
        // An indented line belongs to the line before.
        guard start < end, start[0] > 0x20 || start[0] == 0x1B else { return nil }
        var cursor = StampCursor(start, end: end)
        if cursor.skipPrefix() {
            var own = cursor
            if let stamp = read(&own) { return stamp }
        }
        if let dated = cursor.fullDate(context) { return dated }
        // Without the session's start, a time of day has no date.
        guard format != .timeOnly, context.sessionStart != 0, let time = cursor.timeOnly(context) else { return nil }
        // `00:1a:2b:3c:4d:5e` is a MAC address.
        let isAddress = cursor.left >= 2 && cursor.at[0] == 0x3A && cursor.at[1] != 0x20
        return isAddress ? nil : time
    }

    /// Returns the earliest and latest timestamp of a block's lines.
    ///
    /// Reads all lines, not only the first and last: threads interleave and clocks step.
    /// - Parameter block: raw bytes that begin at the start of a line.
    /// - Returns: milliseconds since 1970 UTC, or nil when no line has a timestamp.
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

    /// Returns the last timestamp of a block, which lines without one inherit after it.
    /// - Parameter block: raw bytes that begin at the start of a line.
    /// - Returns: milliseconds since 1970 UTC, or nil when no line has a timestamp.
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
