/// Scans one decoded text: selects lines, adds context within the text, and renders.
struct TextScan {
    let text: UnsafeRawBufferPointer
    let first: SearchPiece
    let options: SearchOptions
    let renderer: LineRenderer
    let isText: Bool
    /// Number of the first selected line.
    private(set) var firstHit: UInt64?
    /// Context lines still due at the end of the text.
    private(set) var afterLeft = 0
    private(set) var lastLine: UInt64 = 0
    /// Offset up to which line feeds are counted.
    private var countedTo = 0
    private var countedLine: UInt64
    /// Offset of the line after the last rendered one.
    private var renderedTo = 0
    private var selected = 0
    private var stopped = false
    private var matchBuffer: [Range<Int>] = []

    init(text: UnsafeRawBufferPointer, first: SearchPiece, options: SearchOptions, renderer: LineRenderer, isText: Bool)
    {
        self.text = text
        self.first = first
        self.options = options
        self.renderer = renderer
        self.isText = isText
        countedLine = first.firstLine
    }

    private var rendersLines: Bool {
        options.mode == .lines || options.mode == .json || options.mode == .onlyMatching
    }

    mutating func run(_ finder: inout LineFinder, _ clock: inout LineClock, _ result: inout UnitResult) {
        if options.isPlain { return runPlain(&finder, &clock, &result) }
        var position = 0
        while !stopped, position < text.count {
            let match = finder.next(from: position)
            if options.invert {
                let end = match?.lowerBound ?? text.count
                while !stopped, position < end {
                    let line = position..<text.lineEnd(from: position)
                    if clock.contains(line) { select(line, finder, &result) }
                    position = line.upperBound + 1
                }
                guard let match else { break }
                position = match.upperBound + 1
            } else {
                guard let match else { break }
                if clock.contains(match) { select(match, finder, &result) }
                position = match.upperBound + 1
            }
        }
        if options.hasContext, firstHit != nil, result.binaryOffset == nil { renderAfter(upTo: text.count, &result) }
        finishCount()
    }

    /// Handles the most common modes, unchanged lines or their count, without a value per line.
    private func runPlain(_ finder: inout LineFinder, _ clock: inout LineClock, _ result: inout UnitResult) {
        let counts = options.mode == .count
        let name = counts || !options.showName || options.heading ? [] : renderer.name.text + [0x3A]
        let checksNUL = !counts && !options.asText
        var position = 0
        var line = first.firstLine
        var counted = 0
        var buffer: TextBuffer?
        name.withUnsafeBytes { name in
            while position < text.count, let match = finder.next(from: position) {
                position = match.upperBound + 1
                guard clock.contains(match) else { continue }
                result.selected += 1
                if counts { continue }
                let bytes = UnsafeRawBufferPointer(rebasing: text[match])
                if checksNUL, let nul = bytes.firstNUL() ?? (isText ? nil : 0) {
                    result.binaryOffset = first.memberOffset &+ UInt64(match.lowerBound + nul)
                    break
                }
                if options.lineNumbers {
                    line &+= UInt64(UnsafeRawBufferPointer(rebasing: text[counted..<match.lowerBound]).countLineFeeds())
                    counted = match.lowerBound
                }
                let into = buffer ?? TextBuffer(capacity: 8 << 10)
                into.append(name, options.lineNumbers ? line : 0, bytes)
                buffer = into
            }
        }
        result.plain = buffer
    }

    /// The number of the line that starts at an offset.
    func number(ofLineAt start: Int) -> UInt64 {
        first.firstLine &+ UInt64(UnsafeRawBufferPointer(rebasing: text[0..<start]).countLineFeeds())
    }

    private mutating func number(advancingTo start: Int) -> UInt64 {
        guard options.lineNumbers || rendersLines else { return 0 }
        if start > countedTo {
            countedLine &+= UInt64(UnsafeRawBufferPointer(rebasing: text[countedTo..<start]).countLineFeeds())
            countedTo = start
        }
        return countedLine
    }

    private mutating func finishCount() {
        guard rendersLines, options.hasContext else { return }
        let rest = UnsafeRawBufferPointer(rebasing: text[min(countedTo, text.count)...])
        lastLine = countedLine &+ UInt64(rest.countLineFeeds())
        if text.last == 0x0A { lastLine &-= 1 }
    }

    private mutating func select(_ line: Range<Int>, _ finder: LineFinder, _ result: inout UnitResult) {
        let bytes = UnsafeRawBufferPointer(rebasing: text[line])
        if !options.asText, options.mode == .lines || options.mode == .onlyMatching {
            if let nul = bytes.firstNUL() ?? (isText ? nil : 0) {
                result.binaryOffset = first.memberOffset &+ UInt64(line.lowerBound + nul)
                result.selected += 1
                stopped = true
                return
            }
        }
        if let limit = options.maxCount, selected >= limit {
            selectBeyondLimit(line, finder, &result)
            return
        }
        selected += 1
        result.selected += 1
        var found: UInt32 = 0
        matchBuffer.removeAll(keepingCapacity: true)
        if !options.invert, renderer.needsMatches || options.mode == .countMatches {
            finder.matches(in: bytes) { matchBuffer.append($0) }
            found = UInt32(clamping: matchBuffer.count)
            result.matches += UInt64(found)
        }
        guard rendersLines else {
            if options.mode != .count, options.mode != .countMatches { stopped = true }
            return
        }
        if options.hasContext {
            if firstHit != nil { renderAfter(upTo: line.lowerBound, &result) }
            renderBefore(line.lowerBound, &result)
        }
        let number = number(advancingTo: line.lowerBound)
        if firstHit == nil { firstHit = number }
        render(line, number: number, matches: matchBuffer, isSelected: true, found, &result)
        afterLeft = options.after
        if selected == options.maxCount, !options.hasContext { stopped = true }
    }

    /// Renders a matching line after the limit as selected if it is in the context of the last line within the limit.
    private mutating func selectBeyondLimit(_ line: Range<Int>, _ finder: LineFinder, _ result: inout UnitResult) {
        guard options.hasContext else {
            stopped = true
            return
        }
        renderAfter(upTo: line.lowerBound, &result)
        guard afterLeft > 0 else {
            stopped = true
            return
        }
        afterLeft -= 1
        matchBuffer.removeAll(keepingCapacity: true)
        if !options.invert, renderer.needsMatches {
            finder.matches(in: UnsafeRawBufferPointer(rebasing: text[line])) { matchBuffer.append($0) }
        }
        let number = number(advancingTo: line.lowerBound)
        render(line, number: number, matches: matchBuffer, isSelected: true, 0, &result)
    }

    private mutating func render(
        _ line: Range<Int>, number: UInt64, matches: [Range<Int>], isSelected: Bool, _ found: UInt32,
        _ result: inout UnitResult
    ) {
        renderer.line(
            UnsafeRawBufferPointer(rebasing: text[line]), hasFeed: line.upperBound < text.count, number: number,
            offset: first.memberOffset &+ UInt64(line.lowerBound), matches: matches, isSelected: isSelected,
            to: &result.output)
        result.events.append(
            LineEvent(line: number, end: result.output.count, isSelected: isSelected, matches: found))
        renderedTo = min(line.upperBound + 1, text.count)
    }

    // MARK: Context

    /// Renders context after the last selected line, up to `end` or the requested number of lines.
    private mutating func renderAfter(upTo end: Int, _ result: inout UnitResult) {
        while afterLeft > 0, renderedTo < end {
            let line = renderedTo..<text.lineEnd(from: renderedTo)
            afterLeft -= 1
            let number = number(advancingTo: line.lowerBound)
            render(line, number: number, matches: [], isSelected: false, 0, &result)
        }
    }

    private mutating func renderBefore(_ start: Int, _ result: inout UnitResult) {
        var from = start
        var lines = 0
        while lines < options.before, from > renderedTo {
            from = text.lineStart(before: from - 1)
            lines += 1
        }
        while from < start {
            let line = from..<text.lineEnd(from: from)
            let number = number(advancingTo: line.lowerBound)
            render(line, number: number, matches: [], isSelected: false, 0, &result)
            from = line.upperBound + 1
        }
    }
}
