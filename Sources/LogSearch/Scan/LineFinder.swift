/// Finds the matching lines of a text, in order.
struct LineFinder {
    /// Whole lines; the last may lack its line feed.
    let text: UnsafeRawBufferPointer
    let program: PatternProgram
    let matcher: Matcher
    let isLineSafe: Bool
    /// Offsets of lines that could not be decided because the match limit was reached.
    var undecided: [Int] = []
    /// One offset in each line that may match, ascending; nil when every line may match.
    private var candidates: ArraySlice<UInt32>?

    init(
        _ text: UnsafeRawBufferPointer, _ program: PatternProgram, _ matcher: Matcher, isLineSafe: Bool,
        candidates: ArraySlice<UInt32>? = nil
    ) {
        self.text = text
        self.program = program
        self.matcher = matcher
        self.isLineSafe = isLineSafe
        self.candidates = candidates
    }

    /// The next matching line that starts at or after `position`, which is the start of a line.
    mutating func next(from position: Int) -> Range<Int>? {
        if candidates != nil { return nextCandidate(from: position) }
        return isLineSafe ? nextInWhole(from: position) : nextByLine(from: position, until: text.count)
    }

    private mutating func nextCandidate(from position: Int) -> Range<Int>? {
        while let place = candidates?.popFirst() {
            guard Int(place) >= position else { continue }
            let start = text.lineStart(before: Int(place))
            let end = text.lineEnd(from: Int(place))
            if let line = nextByLine(from: start, until: end) { return line }
        }
        return nil
    }

    private mutating func nextInWhole(from position: Int) -> Range<Int>? {
        var position = position
        while position < text.count {
            switch matcher.find(program, in: text, from: position) {
            case .none: return nil
            case .found(let start, _):
                // An empty match after the last line feed is not on a line.
                if start >= text.count, text[text.count - 1] == 0x0A { return nil }
                let end = text.lineEnd(from: start)
                return text.lineStart(before: start)..<end
            case .gaveUp:
                // Match line by line to find the first undecided line.
                let before = undecided.count
                if let line = nextByLine(from: position, until: text.count, stopAtUndecided: true) { return line }
                guard undecided.count > before, let last = undecided.last else { return nil }
                position = text.lineEnd(from: last) + 1
            }
        }
        return nil
    }

    private mutating func nextByLine(from position: Int, until end: Int, stopAtUndecided: Bool = false) -> Range<Int>? {
        var position = position
        while position < end {
            let lineEnd = text.lineEnd(from: position)
            let line = UnsafeRawBufferPointer(rebasing: text[position..<lineEnd])
            switch matcher.find(program, in: line, from: 0) {
            case .found: return position..<lineEnd
            case .none: break
            case .gaveUp:
                undecided.append(position)
                if stopAtUndecided { return nil }
            }
            position = lineEnd + 1
        }
        return nil
    }

    /// Calls `body` with the matches in one line, leftmost first, without overlap. An empty match directly after
    /// another is skipped.
    func matches(in line: UnsafeRawBufferPointer, _ body: (Range<Int>) -> Void) {
        var position = 0
        var lastEnd = -1
        while position <= line.count {
            guard case .found(let start, let end) = matcher.find(program, in: line, from: position) else { return }
            if end > start {
                body(start..<end)
                lastEnd = end
                position = end
            } else {
                if start != lastEnd { body(start..<end) }
                lastEnd = start
                position = start + 1
                // Do not start inside a character.
                while position < line.count, line[position] & 0xC0 == 0x80 { position += 1 }
            }
        }
    }
}
