internal import Clocks
internal import LogTime

/// Scans units on one thread: decodes their blocks, finds the selected lines and has them rendered.
final class BlockScanner<Source: SearchSource, Renderer: BlockRenderer> {
    typealias Result = UnitResult<Renderer.Block>

    private let pattern: SearchPattern
    private let options: SearchOptions
    private let renderer: Renderer
    private let isCancelled: @Sendable () -> Bool
    private let matcher: Matcher
    private let decoder: Source.Decoder
    private let prefilter: LinePrefilter?
    private var blockBuffer = RawBuffer()
    private var otherBuffer = RawBuffer()
    private var joinBuffer: [UInt8] = []
    private var cachedBlock: Int?
    private var lineBuffer = TextScan.LineBuffer()

    init(
        pattern: SearchPattern, options: SearchOptions, renderer: Renderer,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws {
        self.isCancelled = isCancelled
        self.pattern = pattern
        self.options = options
        self.renderer = renderer
        matcher = try Matcher()
        decoder = try Source.makeDecoder()
        prefilter =
            options.usesPrefilter && pattern.wantsPrefilter
            ? pattern.prefilter.map { LinePrefilter($0, startsAfter: options.prefilterStartsAfter) } : nil
    }

    /// Scans the units of a batch, in order.
    func scan(_ batch: ScanBatch<Source>) -> [Result] {
        cachedBlock = nil
        // What a session still needs; nil if that cannot be told from the lines of a unit.
        var needed =
            options.wanted == .lines && !options.hasContext && options.maxCount == nil ? options.perSession : nil
        return batch.units.map { unit in
            let member = batch.members[unit.member]
            var result = Result(
                unit: unit,
                member: SearchedMember(label: batch.source.label, path: member.path, also: member.also))
            guard !unit.pieces.isEmpty, needed ?? 1 > 0 else { return result }
            let start = options.measuresTime ? MonotonicClock.nanoseconds() : 0
            do {
                try scan(unit, member, batch.source, &result)
            } catch {
                let first = member.pieces[unit.pieces.lowerBound].firstLine
                result.problems.append(
                    "\(result.member.name): a block that starts at line \(first) cannot be read: \(error)")
            }
            // A binary member has one line at most in the end.
            if let left = needed, result.binaryOffset == nil, member.isText || options.asText {
                needed = left - Int(clamping: result.selected)
            }
            if options.measuresTime {
                result.nanoseconds = UInt64(clamping: MonotonicClock.nanoseconds() - start)
            }
            return result
        }
    }

    private func scan(
        _ unit: BlockRange, _ member: SearchMember, _ source: Source, _ result: inout Result
    ) throws {
        let first = member.pieces[unit.pieces.lowerBound]
        if unit.read.count == 1 {
            let block = try decode(first, of: source, &result)
            try scan(block, block.count, first, unit, member, source, &result)
            return
        }
        joinBuffer.removeAll(keepingCapacity: true)
        var ownEnd = 0
        for index in unit.read {
            if isCancelled() { return }
            joinBuffer.append(contentsOf: try decode(member.pieces[index], of: source, &result))
            if unit.pieces.contains(index) { ownEnd = joinBuffer.count }
        }
        try joinBuffer.withUnsafeBytes { try scan($0, ownEnd, first, unit, member, source, &result) }
    }

    /// Adds lines to the result, in the sink's form.
    private func add(_ lines: FoundLines, to result: inout Result) {
        guard !lines.lines.isEmpty else { return }
        var block = result.block.take() ?? renderer.makeBlock(result.member, isWhole: options.takesWholeBlocks)
        renderer.add(lines, to: &block)
        result.block = block
        result.lineCount += lines.lines.count
        guard !options.takesWholeBlocks else { return }
        for index in lines.lines.indices {
            let line = lines.lines[index]
            result.events.append(
                LineEvent(
                    line: line.number, lastLine: line.number &+ UInt64(line.lines) &- 1, isSelected: line.isSelected,
                    matches: UInt32(clamping: lines.matches(at: index).count)))
        }
    }

    private func decode(
        _ piece: SearchPiece, of source: Source, _ result: inout Result
    ) throws -> UnsafeRawBufferPointer {
        let size = source.rawSize(ofBlock: piece.block)
        if cachedBlock != piece.block {
            cachedBlock = nil
            blockBuffer.reserve(size)
            let count = try source.decode(block: piece.block, with: decoder, into: blockBuffer.bytes)
            result.decodedBlocks += 1
            result.decodedBytes += UInt64(count)
            guard count == size else {
                throw LogSearchError(code: .source, message: "\(count) of \(size) bytes could be decoded")
            }
            cachedBlock = piece.block
        }
        return try Self.slice(piece, of: UnsafeRawBufferPointer(blockBuffer.bytes), size)
    }

    private static func slice(
        _ piece: SearchPiece, of block: UnsafeRawBufferPointer, _ size: Int
    ) throws -> UnsafeRawBufferPointer {
        guard piece.offset >= 0, piece.count >= 0, piece.offset <= size, piece.count <= size - piece.offset else {
            throw LogSearchError(code: .source, message: "a member extends beyond its block")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: block[piece.offset..<piece.offset + piece.count])
        // A byte order mark is not part of the text, as in ripgrep: ^ matches after it, and offsets start there.
        guard piece.memberOffset == 0, bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { return bytes }
        return UnsafeRawBufferPointer(rebasing: bytes[3...])
    }

    /// Decodes a neighboring piece of the member, for context and inherited time.
    private func neighbour(_ piece: SearchPiece, of source: Source) throws -> UnsafeRawBufferPointer {
        let size = source.rawSize(ofBlock: piece.block)
        otherBuffer.reserve(size)
        let count = try source.decode(block: piece.block, with: decoder, into: otherBuffer.bytes)
        guard count == size else {
            throw LogSearchError(code: .source, message: "\(count) of \(size) bytes could be decoded")
        }
        return try Self.slice(piece, of: UnsafeRawBufferPointer(otherBuffer.bytes), size)
    }

    private func scan(
        _ text: UnsafeRawBufferPointer, _ ownEnd: Int, _ first: SearchPiece, _ unit: BlockRange,
        _ member: SearchMember, _ source: Source, _ result: inout Result
    ) throws {
        guard let program = pattern.program(isASCII: text.isASCII()) else {
            throw LogSearchError(code: .pattern, message: "the pattern cannot be matched against non-ASCII text")
        }
        let window = options.window(for: source.label, member)
        var clock = LineClock(
            text, member.reader(source.label, zoneOffset: options.zoneOffset), window, findsTimes: options.findsTimes,
            spansLines: options.spansLines)
        if clock.needsCarry { clock.carry = try carriedTime(unit.pieces.lowerBound, member, source) }
        let candidates = program === pattern.byteProgram ? prefilter?.lines(in: text) : nil
        var finder = LineFinder(
            text, program, matcher, isLineSafe: pattern.isLineSafe, candidates: candidates,
            spansLines: pattern.spansLines, continuesAfterLines: options.invert,
            isCancelled: isCancelled)
        var scan = TextScan(
            text: text, first: first, options: options, needsNumbers: renderer.needsNumbers,
            needsMatches: renderer.needsMatches, isText: member.isText, ownEnd: ownEnd,
            buffer: takeBuffer())
        // The lines are added to a copy of the result: the scan counts in the result itself.
        var lines = Result(unit: unit, member: result.member)
        scan.run(&finder, &clock, &result) { add($0, to: &lines) }
        result.lastLine = scan.lastLine
        for start in finder.undecided where start < ownEnd {
            let line = scan.number(ofLineAt: start)
            result.problems.append("\(result.member.name):\(line): \(SearchReport.matchLimitWords)")
        }
        if let start = finder.leftOut, start < ownEnd {
            let line = scan.number(ofLineAt: start)
            result.problems.append("\(result.member.name):\(line): \(SearchReport.leftOutWords)")
        }
        if options.hasContext {
            if result.binaryOffset == nil { try addBefore(unit, member, source, scan, &lines) }
            add(scan.found, to: &lines)
            if result.binaryOffset == nil { try addAfter(unit, member, source, scan, &lines) }
        }
        result.block = lines.block
        result.lineCount = lines.lineCount
        result.events = lines.events
        returnBuffer(&scan)
    }

    private func takeBuffer() -> TextScan.LineBuffer {
        let buffer = lineBuffer
        lineBuffer = TextScan.LineBuffer()
        return buffer
    }

    private func returnBuffer(_ scan: inout TextScan) {
        lineBuffer = scan.releaseBuffer()
    }

    /// The time of the line before a piece: the last timestamp in earlier pieces, otherwise the session's start.
    private func carriedTime(_ piece: Int, _ member: SearchMember, _ source: Source) throws -> Int64 {
        let reader = member.reader(source.label, zoneOffset: options.zoneOffset)
        var index = piece
        while index > 0 {
            index -= 1
            let piece = member.pieces[index]
            if let times = piece.times, times.lowerBound == times.upperBound { return times.lowerBound }
            if let last = reader.last(of: try neighbour(piece, of: source)) { return last }
        }
        return source.label.start
    }

    // MARK: Context from neighboring pieces

    private func addBefore(
        _ unit: BlockRange, _ member: SearchMember, _ source: Source, _ scan: TextScan, _ result: inout Result
    ) throws {
        guard let firstHit = scan.firstHit else { return }
        let wanted = options.before - Int(clamping: firstHit - scan.first.firstLine)
        guard wanted > 0 else { return }
        // Gathers lines from the end of the previous piece, and from earlier pieces until there are enough.
        var tail: [UInt8] = []
        var index = unit.pieces.lowerBound
        var lines = 0
        while lines < wanted, index > 0, tail.count < 64 << 20 {
            index -= 1
            let text = try neighbour(member.pieces[index], of: source)
            tail.insert(contentsOf: text, at: 0)
            lines = tail.withUnsafeBytes { $0.countLineFeeds() } - (member.pieces[index].memberOffset == 0 ? 0 : 1)
        }
        try tail.withUnsafeBytes { bytes in
            var clock = try clock(bytes, at: index, member, source)
            var start = bytes.count
            var number = scan.first.firstLine
            var found: [FoundLine] = []
            while found.count < wanted, start > 0 {
                let end = start - 1
                start = bytes.lineStart(before: end)
                number &-= 1
                found.append(
                    FoundLine(
                        start..<end, number: number, matchesEnd: 0, isSelected: false,
                        time: clock.passedTime(of: start..<end)))
            }
            let offset = scan.first.memberOffset &- UInt64(bytes.count)
            add(FoundLines(text: bytes, offset: offset, lines: found.reversed(), matches: []), to: &result)
        }
    }

    private func addAfter(
        _ unit: BlockRange, _ member: SearchMember, _ source: Source, _ scan: TextScan, _ result: inout Result
    ) throws {
        guard scan.firstHit != nil else { return }
        var left = scan.afterLeft
        var number = scan.lastLineRead
        var index = unit.read.upperBound
        while left > 0, index < member.pieces.count {
            let piece = member.pieces[index]
            let first = index
            let text = try wholeLines(from: &index, member, source)
            try text.withUnsafeBytes { text in
                var clock = try clock(text, at: first, member, source)
                var start = 0
                var found: [FoundLine] = []
                while left > 0, start < text.count {
                    let end = text.lineEnd(from: start)
                    number &+= 1
                    left -= 1
                    found.append(
                        FoundLine(
                            start..<end, number: number, matchesEnd: 0, isSelected: false,
                            time: clock.passedTime(of: start..<end)))
                    start = end + 1
                }
                add(FoundLines(text: text, offset: piece.memberOffset, lines: found, matches: []), to: &result)
            }
            // A line longer than `longestLine` is shown only as far as its pieces were joined.
            guard !member.pieces[index - 1].endsMidLine else { return }
        }
    }

    /// The clock of context lines: of a text that begins with a piece.
    private func clock(
        _ text: UnsafeRawBufferPointer, at piece: Int, _ member: SearchMember, _ source: Source
    ) throws -> LineClock {
        var clock = LineClock(
            text, member.reader(source.label, zoneOffset: options.zoneOffset), nil, findsTimes: options.findsTimes)
        if clock.needsCarry { clock.carry = try carriedTime(piece, member, source) }
        return clock
    }

    /// The text of the next piece and of the pieces in which its last line continues.
    private func wholeLines(from index: inout Int, _ member: SearchMember, _ source: Source) throws -> [UInt8] {
        var text: [UInt8] = []
        repeat {
            text.append(contentsOf: try neighbour(member.pieces[index], of: source))
            index += 1
        } while index < member.pieces.count && member.pieces[index - 1].endsMidLine
            && text.count < MatchWindow.longestLine
        return text
    }
}

/// Memory for a decoded block, reused between blocks.
struct RawBuffer: ~Copyable {
    private(set) var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// Ensures a capacity of at least `count` bytes; discards the content.
    mutating func reserve(_ count: Int) {
        guard bytes.count < count else { return }
        bytes.deallocate()
        // PCRE2 may read slightly past the end of invalid UTF-8.
        bytes = .allocate(byteCount: Swift.max(count, 256 << 10) + 64, alignment: 64)
    }

    deinit { bytes.deallocate() }
}
