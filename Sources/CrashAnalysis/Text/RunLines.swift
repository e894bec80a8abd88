/// The lines of a log from an offset to the end of the same run of the program, without blank ones.
struct RunLines: Sequence, IteratorProtocol {
    /// A line that is not blank.
    struct Line {
        let text: String
        /// What the program's logger put before it; empty for a raw line.
        let head: LineHead
        /// True if the supervisor wrote the line rather than the program.
        let isSupervisors: Bool
    }

    private let window: TextWindow?
    private let boundary: RunBoundary
    private let end: UInt64
    private var index = 0
    /// True once the start of another run was reached.
    private(set) var isOver = false
    /// True if the range holds bytes that could not be read.
    let isUnreadable: Bool

    /// Walks from `start` up to `end`; no lines if nothing can be read there.
    init(_ source: any ByteSource, from start: UInt64, to end: UInt64, supervisor: Supervisor, boundary: RunBoundary) {
        let end = Swift.min(end, source.size)
        window =
            end > start
            ? TextWindow(source, from: start, place: start, after: Int(end - start), supervisor: supervisor) : nil
        isUnreadable = end > start && window == nil
        self.boundary = boundary
        self.end = end
    }

    mutating func next() -> Line? {
        guard let window, !isOver else { return nil }
        while index < window.count, window.offset(index) < end {
            defer { index += 1 }
            let text = window.text(index)
            if text.trimmed.isEmpty { continue }
            let isSupervisors = window.isSupervisors(index)
            let line = Line(text: text, head: LineHead(text), isSupervisors: isSupervisors)
            if boundary.isBoundary(line, at: window.offset(index)) {
                isOver = true
                return nil
            }
            return line
        }
        return nil
    }
}
