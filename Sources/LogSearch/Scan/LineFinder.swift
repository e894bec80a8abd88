/// Finds the matching lines of a text, in order; of a pattern that may span lines, groups of adjacent lines.
struct LineFinder {
    /// Whole lines; the last may lack its line feed.
    let text: UnsafeRawBufferPointer
    let program: PatternProgram
    let matcher: Matcher
    let isLineSafe: Bool
    /// Offsets of lines that could not be decided because the match limit was reached.
    var undecided: [Int] = []
    /// Where the text begins that is left out because the match limit was reached too often.
    private(set) var leftOut: Int?
    /// One offset in each line that may match, ascending; nil when every line may match.
    private var candidates: ArraySlice<UInt32>?
    /// Whether a match may span lines.
    private let spansLines: Bool
    /// Whether the search continues after the lines of a match that spans lines, rather than after the match: as in ripgrep,
    /// where lines that do not match are wanted.
    private let continuesAfterLines: Bool
    /// Asked between the steps of a search for matches that span lines, each of which may take long.
    private let isCancelled: () -> Bool
    /// How many times in a row the match limit was reached.
    private var givenUp = 0
    /// Where the next match that may span lines is looked for, and the lines of one that was found too early.
    private var searchedTo = 0
    private var waiting: Range<Int>?

    init(
        _ text: UnsafeRawBufferPointer, _ program: PatternProgram, _ matcher: Matcher, isLineSafe: Bool,
        candidates: ArraySlice<UInt32>? = nil, spansLines: Bool = false, continuesAfterLines: Bool = false,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.text = text
        self.program = program
        self.matcher = matcher
        self.isLineSafe = isLineSafe
        self.candidates = candidates
        self.spansLines = spansLines
        self.continuesAfterLines = continuesAfterLines
        self.isCancelled = isCancelled
    }

    /// The next matching line that starts at or after `position`, which is the start of a line after the last one
    /// returned.
    mutating func next(from position: Int) -> Range<Int>? {
        if spansLines { return nextGroup() }
        if candidates != nil { return nextCandidate(from: position) }
        return isLineSafe ? nextInWhole(from: position) : nextByLine(from: position, until: text.count)
    }

    // MARK: Matches that span lines

    /// The next lines that matches cover. As in ripgrep, lines of matches that overlap or are adjacent are one group, so
    /// that no line is passed on twice.
    private mutating func nextGroup() -> Range<Int>? {
        var group = waiting
        waiting = nil
        while let lines = nextSpan() {
            guard let current = group else {
                group = lines
                continue
            }
            guard lines.lowerBound <= current.upperBound else {
                waiting = lines
                break
            }
            group = current.lowerBound..<max(current.upperBound, lines.upperBound)
        }
        guard let group else { return nil }
        return group.lowerBound..<(text[group.upperBound - 1] == 0x0A ? group.upperBound - 1 : group.upperBound)
    }

    /// The lines of the next match, with their line feeds; never empty.
    private mutating func nextSpan() -> Range<Int>? {
        while searchedTo < text.count {
            if isCancelled() {
                searchedTo = text.count
                return nil
            }
            let limit = stepEnd(from: searchedTo)
            switch matcher.find(program, in: text, from: searchedTo, to: limit) {
            case .none:
                searchedTo = limit + 1
            case .found(let start, let end):
                givenUp = 0
                searchedTo = end > start ? end : next(afterEmptyAt: end)
                let first = text.lineStart(before: start)
                // A match that ends with a line feed ends in that line.
                let last = end > first && text[end - 1] == 0x0A ? end : min(text.lineEnd(from: end) + 1, text.count)
                // An empty match after the last line feed is not on a line.
                guard last > first else { return nil }
                if continuesAfterLines { searchedTo = max(searchedTo, last) }
                return first..<last
            case .gaveUp:
                undecided.append(text.lineStart(before: searchedTo))
                givenUp += 1
                // Each attempt may have taken milliseconds, and the lines that follow are like this one.
                searchedTo = text.lineEnd(from: searchedTo) + 1
                if givenUp >= Self.mostGivenUp, searchedTo < text.count {
                    leftOut = searchedTo
                    searchedTo = text.count
                }
            }
        }
        return nil
    }

    /// Lines in a row at which the match limit is reached before the rest of the text is left out.
    private static var mostGivenUp: Int { 100 }

    /// Where a match may begin at most in one step: PCRE2 tries each place, and each attempt may read the rest of the text.
    /// The interpreter checks the whole text at each step, so it makes only one.
    private func stepEnd(from start: Int) -> Int {
        guard program.isCompiledToMachineCode else { return text.count }
        var end = start + 4095
        // The next step must not start inside a character.
        while end + 1 < text.count, text[end + 1] & 0xC0 == 0x80 { end += 1 }
        return min(end, text.count)
    }

    private func next(afterEmptyAt end: Int) -> Int {
        var next = end + 1
        // Do not start inside a character.
        while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
        return next
    }

    /// Calls `body` with the matches that begin in a group of lines, as offsets in the group. They may include the line
    /// feed of its last line.
    private func spans(in lines: Range<Int>, _ body: (Range<Int>) -> Void) {
        let end = min(lines.upperBound + 1, text.count)
        var position = lines.lowerBound
        var lastEnd = -1
        while position < end {
            guard case .found(let first, let last) = matcher.find(program, in: text, from: position, to: end - 1)
            else {
                return
            }
            if last > first || first != lastEnd {
                body(first - lines.lowerBound..<min(last, end) - lines.lowerBound)
            }
            lastEnd = last
            position = last > first ? last : next(afterEmptyAt: last)
        }
    }

    // MARK: Matches within lines

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

    /// Calls `body` with the matches in a line, or those that begin in a group of lines, as offsets in it.
    func matches(at lines: Range<Int>, _ body: (Range<Int>) -> Void) {
        if spansLines { return spans(in: lines, body) }
        matches(in: UnsafeRawBufferPointer(rebasing: text[lines]), body)
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
