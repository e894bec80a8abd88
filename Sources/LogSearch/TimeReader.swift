public import Pack

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

    /// What a block inspector reports of a block's times.
    /// - Parameter block: raw bytes that begin at the start of a line.
    public func facts(of block: UnsafeRawBufferPointer) -> BlockFacts {
        guard format != .none, let range = range(of: block) else { return BlockFacts(startsUntimed: true) }
        let first = UnsafeRawBufferPointer(rebasing: block[0..<block.lineEnd(from: 0)])
        return BlockFacts(
            minTime: range.min, maxTime: range.max, lastTime: last(of: block), startsUntimed: stamp(of: first) == nil)
    }

    /// The stamp in force at the end of a block, which unstamped lines that follow it inherit.
    /// - Parameter block: raw bytes that begin at the start of a line.
    /// - Returns: milliseconds since 1970, or nil where no line carries a stamp.
    public func last(of block: UnsafeRawBufferPointer) -> Int64? {
        guard format != .none else { return nil }
        var end = block.count
        if end > 0, block[end - 1] == 0x0A { end -= 1 }
        while end >= 0 {
            let start = block.lineStart(before: end)
            if let stamp = stamp(of: UnsafeRawBufferPointer(rebasing: block[start..<max(start, end)])) { return stamp }
            guard start > 0 else { return nil }
            end = start - 1
        }
        return nil
    }
}

/// Calendar arithmetic of the proleptic Gregorian calendar, without a time zone library.
enum Calendar {
    /// Days from 1970-01-01 to a date; month 1...12, day 1...31.
    @inline(__always)
    static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year &- 1 : year
        let era = (shifted >= 0 ? shifted : shifted &- 399) / 400
        let yearOfEra = shifted &- era &* 400
        let monthFromMarch = month > 2 ? month &- 3 : month &+ 9
        let dayOfYear = (153 &* monthFromMarch &+ 2) / 5 &+ day &- 1
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468
    }

    /// The year in which a day since 1970-01-01 lies.
    static func year(ofDay day: Int) -> Int {
        let shifted = day &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra =
            (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
        let year = yearOfEra &+ era &* 400
        return dayOfYear >= 306 ? year &+ 1 : year
    }

    /// Days since 1970 of a moment in milliseconds, rounded down.
    static func day(ofMillis millis: Int64) -> Int {
        let days = millis / 86_400_000
        return Int(millis % 86_400_000 < 0 ? days - 1 : days)
    }

    /// Milliseconds since 1970 of a date and a time of day; nil where a field is out of its range.
    @inline(__always)
    static func millis(day: Int, hour: Int, minute: Int, second: Int, milli: Int) -> Int64? {
        // A leap second is accepted and falls on the first second of the next minute.
        guard hour <= 23, minute <= 59, second <= 60 else { return nil }
        return ((Int64(day) &* 24 &+ Int64(hour)) &* 60 &+ Int64(minute)) &* 60_000 &+ Int64(second) &* 1000
            &+ Int64(milli)
    }
}
