internal import LogTime

/// Tells whether lines lie in the time window. Lines without a stamp belong to the line before; those that another program
/// may have written are kept too where the window begins between two stamps.
struct LineClock {
    private let text: UnsafeRawBufferPointer
    private let window: ClosedRange<Int64>?
    private let reader: TimeReader
    /// Start of a line whose time is known, and that time.
    private var knownStart = 0
    private var knownTime: Int64?
    /// The first line with a stamp at or behind the last place where one was looked for, and its time.
    private var nextStart = 0
    private var nextTime: Int64?
    /// The time in force before the first line of the text.
    var carry: Int64

    init(_ text: UnsafeRawBufferPointer, _ reader: TimeReader, _ window: ClosedRange<Int64>?) {
        self.text = text
        // Where the format is unknown nothing can be decided, and everything is kept.
        self.window = reader.format == .none ? nil : window
        self.reader = reader
        carry = reader.context.sessionStart
    }

    /// The first line has no stamp of its own.
    var needsCarry: Bool {
        window != nil && reader.stamp(of: UnsafeRawBufferPointer(rebasing: text[0..<text.lineEnd(from: 0)])) == nil
    }

    /// Whether a line lies in the window. Lines must be asked for in ascending order.
    @inline(__always)
    mutating func contains(_ line: Range<Int>) -> Bool {
        guard let window else { return true }
        let time = time(of: line)
        return window.contains(time) || time < window.lowerBound && reaches(window, line)
    }

    /// Whether a line that carries no time, and is not set in as the rest of a message is, may have been written in the
    /// window: after the stamp before it, which lies too early, and before the next one.
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
        // A line with a stamp of its own is the next one itself.
        guard nextStart > line.lowerBound, let nextTime else { return false }
        return nextTime >= window.lowerBound
    }

    private mutating func time(of line: Range<Int>) -> Int64 {
        var start = line.lowerBound
        var end = line.upperBound
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
