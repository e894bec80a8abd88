/// Scans one decoded text: selects lines and adds context within the text.
struct TextScan {
    let text: UnsafeRawBufferPointer
    let first: SearchPiece
    let options: SearchOptions
    let needsNumbers: Bool
    let needsMatches: Bool
    let isText: Bool
    /// Offset up to which lines are selected; what follows is only read for matches that end there.
    let ownEnd: Int
    /// Number of the first selected line.
    private(set) var firstHit: UInt64?
    /// Context lines still due at the end of the text.
    private(set) var afterLeft = 0
    /// Number of the last line that may be selected, and of the last line of the text.
    private(set) var lastLine: UInt64 = 0
    private(set) var lastLineRead: UInt64 = 0
    /// The lines found and not yet passed on, and their matches.
    private(set) var buffer: LineBuffer
    /// Offset up to which line feeds are counted.
    private var countedTo = 0
    private var countedLine: UInt64
    /// Offset of the line after the last one found.
    private var foundTo = 0
    private var selected = 0
    private var stopped = false

    /// Memory for lines, reused between texts.
    struct LineBuffer {
        var lines: [FoundLine] = []
        var matches: [Range<Int>] = []
    }

    /// - Parameters:
    ///   - ownEnd: where the part ends in which lines are selected; nil for the end of the text.
    ///   - buffer: empty memory; take `buffer` back at the end.
    init(
        text: UnsafeRawBufferPointer, first: SearchPiece, options: SearchOptions, needsNumbers: Bool,
        needsMatches: Bool, isText: Bool, ownEnd: Int? = nil, buffer: consuming LineBuffer
    ) {
        self.text = text
        self.first = first
        self.options = options
        self.needsNumbers = needsNumbers
        self.needsMatches = needsMatches && !options.invert
        self.isText = isText
        self.ownEnd = min(ownEnd ?? text.count, text.count)
        self.buffer = buffer
        countedLine = first.firstLine
    }

    private var findsLines: Bool { options.wanted == .lines }

    /// Most lines passed on at once. They stay in the processor's first cache, and memory is bounded.
    private static var batch: Int { 512 }

    /// The lines in the buffer.
    var found: FoundLines {
        FoundLines(text: text, offset: first.memberOffset, lines: buffer.lines, matches: buffer.matches)
    }

    /// Takes the memory for the next text, empty.
    mutating func releaseBuffer() -> LineBuffer {
        buffer.lines.removeAll(keepingCapacity: true)
        buffer.matches.removeAll(keepingCapacity: true)
        let released = buffer
        buffer = LineBuffer()
        return released
    }

    /// Scans the text. Passes lines to `take` in batches; with context, all of them stay in `buffer`.
    mutating func run<Block>(
        _ finder: inout LineFinder, _ clock: inout LineClock, _ result: inout UnitResult<Block>,
        take: (FoundLines) -> Void
    ) {
        var counts = Counts()
        if options.isPlain, !needsMatches {
            runPlain(&finder, &clock, &counts, take)
        } else {
            runAll(&finder, &clock, &counts, take)
        }
        if !options.hasContext { passOn(take) }
        result.selected += counts.selected
        result.matches += counts.matches
        result.binaryOffset = counts.binaryOffset
    }

    /// The sums of one text.
    private struct Counts {
        var selected: UInt64 = 0
        var matches: UInt64 = 0
        var binaryOffset: UInt64?
    }

    private mutating func passOn(_ take: (FoundLines) -> Void) {
        guard !buffer.lines.isEmpty else { return }
        take(found)
        buffer.lines.removeAll(keepingCapacity: true)
        buffer.matches.removeAll(keepingCapacity: true)
    }

    private mutating func runAll(
        _ finder: inout LineFinder, _ clock: inout LineClock, _ counts: inout Counts, _ take: (FoundLines) -> Void
    ) {
        var position = 0
        while !stopped, position < ownEnd {
            let match = finder.next(from: position)
            if options.invert {
                let end = min(match?.lowerBound ?? text.count, ownEnd)
                while !stopped, position < end {
                    let line = position..<text.lineEnd(from: position)
                    if clock.contains(line) { select(line, finder, &clock, &counts) }
                    if buffer.lines.count >= Self.batch, !options.hasContext { passOn(take) }
                    position = line.upperBound + 1
                }
                guard let match else { break }
                position = match.upperBound + 1
            } else {
                guard let match, match.lowerBound < ownEnd else { break }
                if clock.contains(match) { select(match, finder, &clock, &counts) }
                if buffer.lines.count >= Self.batch, !options.hasContext { passOn(take) }
                position = match.upperBound + 1
            }
        }
        if options.hasContext, firstHit != nil, counts.binaryOffset == nil { addAfter(upTo: text.count, &clock) }
        finishCount()
    }

    /// Handles the most common searches, all lines or their count, without context and limits.
    private mutating func runPlain(
        _ finder: inout LineFinder, _ clock: inout LineClock, _ counts: inout Counts, _ take: (FoundLines) -> Void
    ) {
        let onlyCounts = !findsLines
        let checksNUL = findsLines && options.stopsAtNUL && !options.asText
        var position = 0
        var line = first.firstLine
        var counted = 0
        while position < text.count, let match = finder.next(from: position) {
            position = match.upperBound + 1
            guard clock.contains(match) else { continue }
            counts.selected += 1
            if onlyCounts { continue }
            if checksNUL,
                let nul = UnsafeRawBufferPointer(rebasing: text[match]).firstNUL() ?? (isText ? nil : 0)
            {
                counts.binaryOffset = first.memberOffset &+ UInt64(match.lowerBound + nul)
                break
            }
            if needsNumbers {
                line &+= UInt64(UnsafeRawBufferPointer(rebasing: text[counted..<match.lowerBound]).countLineFeeds())
                counted = match.lowerBound
            }
            buffer.lines.append(
                FoundLine(match, number: needsNumbers ? line : 0, matchesEnd: 0, isSelected: true))
            if buffer.lines.count == Self.batch { passOn(take) }
        }
    }

    /// The number of the line that starts at an offset.
    func number(ofLineAt start: Int) -> UInt64 {
        first.firstLine &+ UInt64(UnsafeRawBufferPointer(rebasing: text[0..<start]).countLineFeeds())
    }

    private mutating func number(advancingTo start: Int) -> UInt64 {
        guard findsLines else { return 0 }
        if start > countedTo {
            countedLine &+= UInt64(UnsafeRawBufferPointer(rebasing: text[countedTo..<start]).countLineFeeds())
            countedTo = start
        }
        return countedLine
    }

    private mutating func finishCount() {
        guard options.hasContext else { return }
        let rest = UnsafeRawBufferPointer(rebasing: text[min(countedTo, text.count)...])
        lastLineRead = countedLine &+ UInt64(rest.countLineFeeds())
        if text.last == 0x0A { lastLineRead &-= 1 }
        let ahead = UnsafeRawBufferPointer(rebasing: text[ownEnd...])
        lastLine = lastLineRead &- UInt64(ahead.countLineFeeds())
        if !ahead.isEmpty, ahead.last != 0x0A { lastLine &-= 1 }
    }

    private mutating func select(
        _ line: Range<Int>, _ finder: LineFinder, _ clock: inout LineClock, _ counts: inout Counts
    ) {
        let bytes = UnsafeRawBufferPointer(rebasing: text[line])
        if findsLines, options.stopsAtNUL, !options.asText, let nul = bytes.firstNUL() ?? (isText ? nil : 0) {
            counts.binaryOffset = first.memberOffset &+ UInt64(line.lowerBound + nul)
            counts.selected += 1
            stopped = true
            return
        }
        if let limit = options.mostInBlock, selected >= limit {
            selectBeyondLimit(line, finder, &clock)
            return
        }
        selected += 1
        counts.selected += 1
        guard findsLines else {
            if options.wanted == .matchCounts, !options.invert {
                finder.matches(at: line) { _ in counts.matches += 1 }
            }
            if options.wanted != .counts, options.wanted != .matchCounts { stopped = true }
            return
        }
        if options.hasContext {
            if firstHit != nil { addAfter(upTo: line.lowerBound, &clock) }
            addBefore(line.lowerBound, &clock)
        }
        let before = buffer.matches.count
        if needsMatches { finder.matches(at: line) { buffer.matches.append($0) } }
        counts.matches += UInt64(buffer.matches.count - before)
        let number = number(advancingTo: line.lowerBound)
        if firstHit == nil { firstHit = number }
        add(line, number: number, isSelected: true, &clock)
        afterLeft = options.after
        if selected == options.mostInBlock, !options.hasContext { stopped = true }
    }

    /// Adds a matching line after the limit as selected if it is in the context of the last line within the limit.
    private mutating func selectBeyondLimit(_ line: Range<Int>, _ finder: LineFinder, _ clock: inout LineClock) {
        guard options.hasContext else {
            stopped = true
            return
        }
        addAfter(upTo: line.lowerBound, &clock)
        guard afterLeft > 0 else {
            stopped = true
            return
        }
        afterLeft -= 1
        if needsMatches {
            finder.matches(at: line) { buffer.matches.append($0) }
        }
        add(line, number: number(advancingTo: line.lowerBound), isSelected: true, &clock)
    }

    private mutating func add(_ line: Range<Int>, number: UInt64, isSelected: Bool, _ clock: inout LineClock) {
        let lines = options.spansLines ? UnsafeRawBufferPointer(rebasing: text[line]).countLineFeeds() + 1 : 1
        buffer.lines.append(
            FoundLine(
                line, number: number, matchesEnd: buffer.matches.count, isSelected: isSelected, lines: lines,
                time: clock.passedTime(of: line)))
        foundTo = min(line.upperBound + 1, text.count)
    }

    // MARK: Context

    /// Adds context after the last selected line, up to `end` or the requested number of lines.
    private mutating func addAfter(upTo end: Int, _ clock: inout LineClock) {
        while afterLeft > 0, foundTo < end {
            let line = foundTo..<text.lineEnd(from: foundTo)
            afterLeft -= 1
            add(line, number: number(advancingTo: line.lowerBound), isSelected: false, &clock)
        }
    }

    private mutating func addBefore(_ start: Int, _ clock: inout LineClock) {
        var from = start
        var lines = 0
        while lines < options.before, from > foundTo {
            from = text.lineStart(before: from - 1)
            lines += 1
        }
        while from < start {
            let line = from..<text.lineEnd(from: from)
            add(line, number: number(advancingTo: line.lowerBound), isSelected: false, &clock)
            from = line.upperBound + 1
        }
    }
}
