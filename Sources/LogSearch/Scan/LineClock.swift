internal import LogTime

/// Decides whether lines are in the time window. A line without a timestamp has the time of the line before. Where the
/// window begins between two timestamps, unindented lines between them are kept, because another program may have
/// written them.
struct LineClock {
    private let text: UnsafeRawBufferPointer
    private let window: ClosedRange<Int64>?
    private let findsTimes: Bool
    private let reader: TimeReader
    /// Offset of a line whose time is known, and its time.
    private var knownStart = 0
    private var knownTime: Int64?
    /// Offset and time of the first line with a timestamp at or after the last lookup.
    private var nextStart = 0
    private var nextTime: Int64?
    /// The time of the line before the text.
    var carry: Int64

    /// - Parameter findsTimes: whether `time(of:)` is called for lines that are passed on.
    init(
        _ text: UnsafeRawBufferPointer, _ reader: TimeReader, _ window: ClosedRange<Int64>?, findsTimes: Bool = false
    ) {
        self.text = text
        self.findsTimes = findsTimes && reader.format != .none
        // With an unknown format, all lines are kept.
        self.window = reader.format == .none ? nil : window
        self.reader = reader
        carry = reader.context.sessionStart
    }

    /// Whether the first line has no timestamp of its own.
    var needsCarry: Bool {
        (window != nil || findsTimes)
            && reader.stamp(of: UnsafeRawBufferPointer(rebasing: text[0..<text.lineEnd(from: 0)])) == nil
    }

    /// Whether a line is in the window. Call it with lines in ascending order.
    @inline(__always)
    mutating func contains(_ line: Range<Int>) -> Bool {
        guard let window else { return true }
        let time = time(of: line)
        return window.contains(time) || time < window.lowerBound && reaches(window, line)
    }

    /// The time of a line that is passed on, which may start before the last one looked up; nil unless times are wanted
    /// and the format is known.
    mutating func passedTime(of line: Range<Int>) -> Int64? { findsTimes ? time(of: line) : nil }

    /// Whether a line without a timestamp may have been written in the window: it is not indented like the rest of a
    /// message, and the next timestamp is not before the window.
    private mutating func reaches(_ window: ClosedRange<Int64>, _ line: Range<Int>) -> Bool {
        guard !line.isEmpty, text[line.lowerBound] > 0x20 else { return false }
        if line.lowerBound >= nextStart {
            var start = line.lowerBound
            nextTime = nil
            while start < text.count, nextTime == nil {
                let end = text.lineEnd(from: start)
                nextTime = reader.stamp(of: UnsafeRawBufferPointer(rebasing: text[start..<end]))
                nextStart = start
                start = end + 1
            }
            if nextTime == nil { nextStart = text.count }
        }
        // A line with its own timestamp is not between two others.
        guard nextStart > line.lowerBound, let nextTime else { return false }
        return nextTime >= window.lowerBound
    }

    private mutating func time(of line: Range<Int>) -> Int64 {
        var start = line.lowerBound
        var end = min(line.upperBound, text.lineEnd(from: start))
        while true {
            if start == knownStart, let knownTime { return remember(line.lowerBound, knownTime) }
            if let stamp = reader.stamp(of: UnsafeRawBufferPointer(rebasing: text[start..<end])) {
                return remember(line.lowerBound, stamp)
            }
            guard start > 0 else { return remember(line.lowerBound, carry) }
            end = start - 1
            start = text.lineStart(before: end)
        }
    }

    private mutating func remember(_ start: Int, _ time: Int64) -> Int64 {
        knownStart = start
        knownTime = time
        return time
    }
}
