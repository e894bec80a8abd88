internal import Clocks
internal import Model
internal import Text

/// Merges scan results in order, applies limits and context across units, and passes lines and members to the sink.
struct SearchResultMerger<Sink: SearchSink> {
    typealias Block = Sink.Renderer.Block

    private let options: SearchOptions
    private var sink: Sink
    private(set) var report = SearchReport()
    private(set) var isFinished = false
    /// Ordinal of the current member.
    private var ordinal = -1
    private var member: SearchedMember?
    private var selected: UInt64 = 0
    /// The lines of what is selected: a group of lines that a match spans is selected once.
    private var selectedLines: UInt64 = 0
    /// Selected lines of the current session, and of each session, if they are limited.
    private var sessionCount = 0
    private var sessionCounts: ByteDictionary<Int> = [:]
    /// Sessions that need no more units, since the last call of `takeClosedSessions`.
    private var closedSessions: [String] = []
    private var matches: UInt64 = 0
    private var begun = false
    private var closed = false
    private var binaryOffset: UInt64?
    /// The last line passed on, to detect gaps between context lines.
    private var lastLine: UInt64?
    /// Context lines still allowed after the last line within the limit.
    private var allowance = 0
    private var searchedBytes: UInt64 = 0
    private var nanoseconds: UInt64 = 0
    private var pending: [PendingLine] = []
    private var hasUnflushed = false
    /// Number of results: lines, or members in searches for counts or names.
    private var results = 0
    /// The monotonic time of the last flush, in milliseconds.
    private var lastFlush: Int64 = 0

    /// Context after a unit's end, which the next unit may show to be a selected line.
    private struct PendingLine {
        let line: UInt64
        let lastLine: UInt64
        let block: Block
        let index: Int
    }

    init(options: SearchOptions, sink: Sink) {
        self.options = options
        self.sink = sink
    }

    /// Members up to this ordinal need no more units.
    var closedThrough: Int { closed ? ordinal : ordinal - 1 }

    mutating func take(_ result: UnitResult<Block>) {
        defer {
            if report.problemCount > Self.problemLimit { isFinished = true }
        }
        if result.unit.memberOrdinal != ordinal { startMember(result) }
        if isFinished { return }
        for problem in result.problems { report.note(problem) }
        report.decoded += result.decodedBlocks
        report.decodedBytes += result.decodedBytes
        report.nanoseconds &+= result.nanoseconds
        searchedBytes += result.decodedBytes
        nanoseconds &+= result.nanoseconds
        guard !closed, !isFinished else { return }
        if result.selected > 0 { report.hit += max(result.unit.pieces.count, 1) }
        switch options.wanted {
        case .lines: takeLines(result)
        case .counts, .matchCounts: takeCounts(result)
        case .presence, .firstHit:
            guard result.selected > 0 else { break }
            note(1)
            closed = true
            if options.wanted == .firstHit { isFinished = true }
        }
    }

    /// Returns the sessions that were found to need no more units.
    mutating func takeClosedSessions() -> [String] {
        defer { closedSessions.removeAll() }
        return closedSessions
    }

    /// Counts selected lines.
    private mutating func note(_ count: UInt64, lines: UInt64? = nil) {
        selected += count
        selectedLines += lines ?? count
        guard options.perSession != nil, let session = member?.label.session else { return }
        sessionCount += Int(clamping: count)
        if isAtSessionLimit { closedSessions.append(session) }
    }

    /// Most problems before the search ends: with this many lines over the match limit, it would never end.
    private static var problemLimit: Int { 10_000 }

    /// Ends the search.
    /// - Parameter queue: what the work queue counted.
    mutating func finish(_ queue: SearchReport) -> (SearchReport, Sink) {
        endMember()
        ordinal = -1
        report.add(queue)
        if !sink.isClosed { sink.finish(report) }
        if !sink.isClosed { sink.flush() }
        noteClosing()
        return (report, sink)
    }

    /// Flushes the sink unless it was flushed within `flushInterval`: the first line appears at once, later ones in
    /// batches.
    mutating func flushIfDue() {
        guard hasUnflushed else { return }
        let now = MonotonicClock.coarseMilliseconds()
        guard now - lastFlush >= Self.flushInterval else { return }
        lastFlush = now
        hasUnflushed = false
        sink.flush()
        noteClosing()
    }

    private static var flushInterval: Int64 { 20 }

    private mutating func noteClosing() {
        guard sink.isClosed else { return }
        report.outputClosed = true
        isFinished = true
    }

    // MARK: Members

    private mutating func startMember(_ result: UnitResult<Block>) {
        endMember()
        if isAtLimit { isFinished = true }
        ordinal = result.unit.memberOrdinal
        member = result.member
        selected = 0
        selectedLines = 0
        matches = 0
        begun = false
        closed = false
        if options.perSession != nil {
            sessionCount = sessionCounts[result.member.label.session] ?? 0
            closed = isAtSessionLimit
        }
        binaryOffset = nil
        lastLine = nil
        allowance = 0
        searchedBytes = 0
        nanoseconds = 0
    }

    private var isAtLimit: Bool { options.limit.map { results >= $0 } ?? false }

    private var isAtSessionLimit: Bool { options.perSession.map { sessionCount >= $0 } ?? false }

    private mutating func endMember() {
        guard let member, ordinal >= 0 else { return }
        flushPending(before: .max)
        if options.perSession != nil { sessionCounts[member.label.session] = sessionCount }
        if selected > 0 || binaryOffset != nil {
            report.membersMatched += options.members == .without ? 0 : 1
            report.lines += selectedLines
            report.matches += matches
        }
        if options.members == .without, selected == 0 { report.membersMatched += 1 }
        if isResult {
            var member = member
            if options.wanted != .lines {
                // Each name is a result of its own.
                if options.wanted == .presence, let limit = options.limit {
                    member.also = Array(member.also.prefix(max(0, limit - results - 1)))
                }
                results += 1 + (options.wanted == .presence ? member.also.count : 0)
            }
            hasUnflushed = true
            sink.end(
                member,
                MemberResult(
                    lines: options.wanted == .lines ? selectedLines : selected, matches: matches, binaryOffset: binaryOffset, searchedBytes: searchedBytes,
                    nanoseconds: nanoseconds))
            noteClosing()
        }
        self.member = nil
    }

    /// Whether the current member is one of the results that the search asks for.
    private var isResult: Bool {
        if report.outputClosed { return false }
        switch options.wanted {
        case .lines: return begun || binaryOffset != nil
        case .firstHit: return selected > 0
        case .counts, .matchCounts, .presence:
            guard !isAtLimit else { return false }
            return switch options.members {
            case .matching: selected > 0
            case .without: selected == 0
            case .all: true
            }
        }
    }

    private mutating func takeCounts(_ result: UnitResult<Block>) {
        var room = options.maxCount.map { UInt64($0) - min(selected, UInt64($0)) } ?? .max
        if let perSession = options.perSession { room = min(room, UInt64(max(0, perSession - sessionCount))) }
        note(min(result.selected, room))
        matches += result.matches
        if result.selected >= room { closed = true }
    }

    // MARK: Lines

    private mutating func takeLines(_ result: UnitResult<Block>) {
        if let block = result.block {
            if options.takesWholeBlocks {
                begin()
                note(UInt64(result.lineCount))
                matches += result.matches
                sink.take(block, 0..<result.lineCount)
                noteClosing()
            } else {
                for (index, event) in result.events.enumerated() {
                    if closed || isFinished { break }
                    take(event, index, block, result.lastLine)
                }
            }
        }
        guard let offset = result.binaryOffset, !closed else { return }
        binaryOffset = offset
        note(1)
        pending.removeAll()
        closed = true
    }

    private mutating func take(_ event: LineEvent, _ index: Int, _ block: Block, _ unitsLastLine: UInt64) {
        if options.hasContext, event.line > unitsLastLine {
            // The next unit may select these lines: they wait for its result.
            guard event.line > max(pending.last?.line ?? 0, lastLine ?? 0) else { return }
            pending.append(PendingLine(line: event.line, lastLine: event.lastLine, block: block, index: index))
            return
        }
        flushPending(before: event.line)
        while let next = pending.first, next.line <= event.lastLine { pending.removeFirst() }
        guard !closed else { return }
        if let lastLine, event.lastLine <= lastLine { return }
        guard allows(event.line, isSelected: event.isSelected) else { return }
        if event.isSelected, !isBeyondLimit {
            matches += UInt64(event.matches)
            note(1, lines: event.lastLine &- event.line &+ 1)
            results += 1
            allowance = options.after
        }
        emit(event.line, event.lastLine, index, block)
        closeAtLimit()
    }

    private var isBeyondLimit: Bool {
        isAtLimit || isAtSessionLimit || options.maxCount.map { selected >= UInt64($0) } ?? false
    }

    /// Whether a line may still be passed on: after the limit, only as context of the last line within it.
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
            emit(next.line, next.lastLine, next.index, next.block)
            closeAtLimit()
        }
    }

    private mutating func emit(_ line: UInt64, _ end: UInt64, _ index: Int, _ block: Block) {
        begin()
        if options.hasContext, let lastLine, line > lastLine &+ 1 { sink.gap() }
        sink.take(block, index..<index + 1)
        lastLine = end
        noteClosing()
    }

    /// Announces the first line of a member.
    private mutating func begin() {
        hasUnflushed = true
        guard !begun, let member else { return }
        begun = true
        sink.begin(member)
    }
}
