internal import LogTime

/// Tells whether lines lie in the time window. Lines without a stamp belong to the line before.
struct LineClock {
    private let text: UnsafeRawBufferPointer
    private let window: ClosedRange<Int64>?
    private let reader: TimeReader
    /// Start of a line whose time is known, and that time.
    private var knownStart = 0
    private var knownTime: Int64?
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
        return window.contains(time(of: line))
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
