internal import Glibc

/// The destination of results.
public protocol SearchOutput: SendableMetatype {
    /// Writes bytes, in output order.
    /// - Returns: false when the output is closed or fails; the search then stops.
    mutating func write(_ bytes: UnsafeRawBufferPointer) -> Bool
    /// Writes buffered bytes. Called at intervals and at the end.
    /// - Returns: false when the output is closed or fails.
    mutating func flush() -> Bool
}

/// Merges scan results in order and applies limits and context across units; writes counts, headings, and begin and end
/// messages. A state machine without side effects other than its output.
struct SearchResultMerger<Output: SearchOutput> {
    private let options: SearchOptions
    private var output: Output
    private(set) var report = SearchReport()
    private(set) var isFinished = false
    /// Ordinal of the current member.
    private var ordinal = -1
    private var name: MemberName?
    private var selected: UInt64 = 0
    private var matches: UInt64 = 0
    private var begun = false
    private var closed = false
    private var binaryOffset: UInt64?
    /// The last line printed, to detect gaps between context lines.
    private var lastLine: UInt64?
    /// Context lines still allowed after the last line within the limit.
    private var allowance = 0
    private var searchedBytes: UInt64 = 0
    private var printedInMember: UInt64 = 0
    private var anyMember = false
    private var pending: [PendingLine] = []
    private var hasUnflushed = false
    /// Number of results printed: lines, or names of members.
    private var results = 0
    private let started = Monotonic.nanoseconds()
    /// Workers' time in nanoseconds; measured only when it is printed.
    private var elapsed: UInt64 = 0
    private var elapsedInMember: UInt64 = 0
    private var lastFlush = 0

    /// Context after a unit's end, which the next unit may show to be a selected line.
    private struct PendingLine {
        let line: UInt64
        let bytes: [UInt8]
    }

    init(options: SearchOptions, output: Output) {
        self.options = options
        self.output = output
    }

    /// Members up to this ordinal need no more units.
    var closedThrough: Int { closed ? ordinal : ordinal - 1 }

    mutating func take(_ result: UnitResult) {
        defer {
            if report.problemCount > Self.problemLimit { isFinished = true }
        }
        if result.unit.memberOrdinal != ordinal { startMember(result) }
        if isFinished { return }
        for problem in result.problems { report.note(problem) }
        report.decoded += result.decodedBlocks
        report.decodedBytes += result.decodedBytes
        searchedBytes += result.decodedBytes
        elapsed &+= result.nanoseconds
        elapsedInMember &+= result.nanoseconds
        guard !closed, !isFinished else { return }
        if result.selected > 0 { report.hit += max(result.unit.pieces.count, 1) }
        switch options.mode {
        case .lines, .json, .onlyMatching: takeLines(result)
        case .count, .countMatches: takeCounts(result)
        case .filesWith, .filesWithout, .quiet:
            selected += min(result.selected, 1)
            guard selected > 0 else { break }
            closed = true
            if options.mode == .quiet { isFinished = true }
        }
    }

    /// Most problems before the search ends: with this many lines over the match limit, it would never end.
    private static var problemLimit: Int { 10_000 }

    /// Ends the output.
    /// - Parameter members: the number of members searched.
    mutating func finish(members: Int) -> (SearchReport, Output) {
        endMember()
        ordinal = -1
        if options.mode == .json, !report.outputClosed { writeSummary(members: members) }
        if !report.outputClosed, !output.flush() { closeOutput() }
        return (report, output)
    }

    /// Flushes the output unless it was flushed within `flushInterval`: the first line appears at once, later ones in
    /// batches.
    mutating func flushIfDue() {
        guard hasUnflushed else { return }
        let now = Self.milliseconds()
        guard now - lastFlush >= Self.flushInterval else { return }
        lastFlush = now
        hasUnflushed = false
        if !output.flush() { closeOutput() }
    }

    private static var flushInterval: Int { 20 }

    private static func milliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    private mutating func closeOutput() {
        report.outputClosed = true
        isFinished = true
    }

    // MARK: Members

    private mutating func startMember(_ result: UnitResult) {
        endMember()
        if isAtLimit { isFinished = true }
        ordinal = result.unit.memberOrdinal
        name = result.name
        selected = 0
        matches = 0
        begun = false
        closed = false
        binaryOffset = nil
        lastLine = nil
        allowance = 0
        searchedBytes = 0
        printedInMember = 0
        elapsedInMember = 0
    }

    private var isAtLimit: Bool { options.limit.map { results >= $0 } ?? false }

    private mutating func endMember() {
        guard let name, ordinal >= 0 else { return }
        flushPending(before: .max)
        if selected > 0 || binaryOffset != nil {
            report.membersMatched += options.mode == .filesWithout ? 0 : 1
            report.lines += selected
            report.matches += matches
        }
        switch options.mode {
        case .lines, .onlyMatching:
            guard let binaryOffset else { break }
            if options.showName {
                write(name.text)
                write(": ")
            }
            write("binary file matches (found \"\\0\" byte around offset \(binaryOffset))\n")
        case .json: if begun { writeEnd(name) }
        case .count: writeCount(name, selected)
        case .countMatches: writeCount(name, options.invert ? selected : matches)
        case .filesWith: if selected > 0 { writeName(name) }
        case .filesWithout:
            if selected == 0 {
                report.membersMatched += 1
                writeName(name)
            }
        case .quiet: break
        }
        self.name = nil
    }

    private mutating func writeName(_ name: MemberName) {
        guard !isAtLimit else { return }
        results += 1
        write(name.text)
        write("\n")
    }

    private mutating func writeCount(_ name: MemberName, _ count: UInt64) {
        guard count > 0 || options.includeZero, !isAtLimit else { return }
        results += 1
        if options.showName {
            write(name.text)
            write(":")
        }
        write("\(count)\n")
    }

    private mutating func takeCounts(_ result: UnitResult) {
        selected += result.selected
        matches += result.matches
        guard let limit = options.maxCount, selected >= UInt64(limit) else { return }
        selected = UInt64(limit)
        closed = true
    }

    // MARK: Lines

    private mutating func takeLines(_ result: UnitResult) {
        guard !result.events.isEmpty || result.plain != nil || result.binaryOffset != nil else { return }
        if let plain = result.plain {
            begin()
            selected += result.selected - (result.binaryOffset == nil ? 0 : 1)
            write(plain.bytes)
        } else if !options.hasContext, options.maxCount == nil, options.limit == nil {
            // The common case: all lines, unchanged.
            if !result.events.isEmpty {
                begin()
                for event in result.events { matches += UInt64(event.matches) }
                selected += UInt64(result.events.count)
                write(result.output, 0..<result.output.count)
            }
        } else {
            var start = 0
            for event in result.events {
                defer { start = event.end }
                if closed || isFinished { break }
                take(event, start..<event.end, result)
            }
        }
        guard let offset = result.binaryOffset, !closed else { return }
        binaryOffset = offset
        selected += 1
        pending.removeAll()
        closed = true
    }

    private mutating func take(_ event: LineEvent, _ range: Range<Int>, _ result: UnitResult) {
        if options.hasContext, event.line > result.lastLine {
            // The next unit may select these lines: they wait for its result.
            guard event.line > max(pending.last?.line ?? 0, lastLine ?? 0) else { return }
            pending.append(PendingLine(line: event.line, bytes: Array(result.output[range])))
            return
        }
        flushPending(before: event.line)
        if pending.first?.line == event.line { pending.removeFirst() }
        guard !closed else { return }
        if let lastLine, event.line <= lastLine { return }
        guard allows(event.line, isSelected: event.isSelected) else { return }
        if event.isSelected, !isBeyondLimit { matches += UInt64(event.matches) }
        if event.isSelected, !isBeyondLimit {
            selected += 1
            results += 1
            allowance = options.after
        }
        emit(event.line) { $0.write(result.output, range) }
        closeAtLimit()
    }

    private var isBeyondLimit: Bool { isAtLimit || options.maxCount.map { selected >= UInt64($0) } ?? false }

    /// Whether a line may still be printed: after the limit, only as context of the last line within it.
    private mutating func allows(_ line: UInt64, isSelected: Bool) -> Bool {
        guard isBeyondLimit else { return true }
        guard allowance > 0, let lastLine, line == lastLine &+ 1 else {
            closed = true
            return false
        }
        allowance -= 1
        return true
    }

    private mutating func closeAtLimit() {
        guard isBeyondLimit, allowance == 0 else { return }
        closed = true
        if isAtLimit { isFinished = true }
    }

    private mutating func flushPending(before line: UInt64) {
        while let next = pending.first, next.line < line {
            pending.removeFirst()
            guard !closed, next.line > lastLine ?? 0, allows(next.line, isSelected: false) else { continue }
            emit(next.line) { merger in next.bytes.withUnsafeBytes { merger.write($0) } }
            closeAtLimit()
        }
    }

    private mutating func emit(_ line: UInt64, _ body: (inout Self) -> Void) {
        begin()
        if options.hasContext, options.mode != .json, let lastLine, line > lastLine &+ 1 { write("--\n") }
        body(&self)
        lastLine = line
    }

    /// Writes what precedes the first line of a member.
    private mutating func begin() {
        guard !begun, let name else { return }
        begun = true
        if options.mode == .json {
            write("{\"type\":\"begin\",\"data\":{")
            write(name.json)
            write("}}\n")
        } else if options.heading {
            if anyMember { write("\n") }
            if options.showName {
                if options.color { write("\u{1B}[35m") }
                write(name.text)
                if options.color { write("\u{1B}[0m") }
                write("\n")
            }
        } else if anyMember, options.hasContext {
            write("--\n")
        }
        anyMember = true
    }

    private mutating func writeEnd(_ name: MemberName) {
        report.printedBytes += printedInMember
        write("{\"type\":\"end\",\"data\":{")
        write(name.json)
        let offset = binaryOffset.map { "\($0)" } ?? "null"
        write(",\"binary_offset\":\(offset),\"stats\":")
        writeStatistics(
            members: 1, matched: 1, searchedBytes, printedInMember, selected, matches, elapsedInMember)
        write("}}\n")
    }

    private mutating func writeSummary(members: Int) {
        write(
            "{\"type\":\"summary\",\"data\":{\"elapsed_total\":\(Self.duration(Monotonic.nanoseconds() &- started)),\"stats\":"
        )
        writeStatistics(
            members: members, matched: report.membersMatched, report.decodedBytes, report.printedBytes,
            report.lines, report.matches, elapsed)
        write("}}\n")
    }

    /// ripgrep's duration object: whole seconds, nanoseconds, and text.
    private static func duration(_ nanoseconds: UInt64) -> String {
        let micros = String(nanoseconds / 1000 % 1_000_000)
        let seconds = nanoseconds / 1_000_000_000
        return "{\"secs\":\(seconds),\"nanos\":\(nanoseconds % 1_000_000_000),\"human\":\"\(seconds)."
            + String(repeating: "0", count: 6 - micros.utf8.count) + micros + "s\"}"
    }

    private mutating func writeStatistics(
        members: Int, matched: Int, _ searched: UInt64, _ printed: UInt64, _ lines: UInt64, _ matches: UInt64,
        _ nanoseconds: UInt64
    ) {
        write(
            "{\"elapsed\":\(Self.duration(nanoseconds)),\"searches\":\(members),\"searches_with_match\":\(matched),"
                + "\"bytes_searched\":\(searched),\"bytes_printed\":\(printed),\"matched_lines\":\(lines),"
                + "\"matches\":\(matches)}")
    }

    // MARK: Writing

    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard !report.outputClosed, bytes.count > 0 else { return }
        printedInMember += UInt64(bytes.count)
        if options.mode != .json { report.printedBytes += UInt64(bytes.count) }
        hasUnflushed = true
        if !output.write(bytes) { closeOutput() }
    }

    private mutating func write(_ bytes: [UInt8], _ range: Range<Int>) {
        bytes.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    private mutating func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    private mutating func write(_ text: String) { write(Array(text.utf8)) }
}
