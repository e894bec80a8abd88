internal import JSON
internal import LogSearch
internal import Model

/// Prints lines of all members in the order of their time, once the search is complete.
///
/// As JSON these are ripgrep's `match` and `context` messages with a `time`, and the `summary`; `begin` and `end` would
/// surround lines of other members.
struct TimeOrderedPrinter<Lines: BlockRenderer, Output: SearchOutput>: SearchSink where Lines.Block == RenderedLines {
    let renderer: TimedRenderer<Lines>
    private var printer: JSONPrinter<Output>
    private var sorter: TimeSorter
    private let isJSON: Bool

    init(_ output: Output, _ lines: Lines, _ sorter: TimeSorter, isJSON: Bool) {
        printer = JSONPrinter(output)
        renderer = TimedRenderer(lines: lines)
        self.sorter = sorter
        self.isJSON = isJSON
    }

    var isClosed: Bool { printer.isClosed || sorter.failure != nil }

    mutating func begin(_ member: SearchedMember) {}

    mutating func take(_ block: TimedLines, _ lines: Range<Int>) {
        for index in lines {
            let (time, isSelected) = block.facts[index]
            block.rendered.withBytes(of: index..<index + 1) { sorter.add(time: time, isSelected: isSelected, $0) }
        }
    }

    mutating func gap() {}

    mutating func end(_ member: SearchedMember, _ result: MemberResult) {}

    mutating func finish(_ report: SearchReport) {
        var printed: UInt64 = 0
        sorter.drain { line in
            printed += UInt64(line.count)
            printer.write(line)
            return !printer.isClosed
        }
        if isJSON, sorter.failure == nil { printer.finish(report, printed: printed) }
    }

    mutating func flush() { printer.flush() }

    /// The output, once the search is complete.
    /// - Throws: what kept lines from being sorted.
    func checked() throws(LogSearchError) -> Output {
        if let failure = sorter.failure { throw failure }
        return printer.output.output
    }
}

/// The printed form of lines, and of each its time and whether it is selected.
struct TimedLines: Sendable {
    var rendered: RenderedLines
    /// The time of lines whose own is not known: the session's start.
    let start: Int64
    var facts: [(time: Int64, isSelected: Bool)] = []
}

/// Renders lines by another renderer and notes their times.
struct TimedRenderer<Lines: BlockRenderer>: BlockRenderer where Lines.Block == RenderedLines {
    let lines: Lines

    var needsNumbers: Bool { lines.needsNumbers }
    var needsMatches: Bool { lines.needsMatches }

    func makeBlock(_ member: SearchedMember, isWhole: Bool) -> TimedLines {
        TimedLines(rendered: lines.makeBlock(member, isWhole: false), start: member.label.start)
    }

    func add(_ found: FoundLines, to block: inout TimedLines) {
        lines.add(found, to: &block.rendered)
        let start = block.start
        block.facts += found.lines.map { ($0.time ?? start, $0.isSelected) }
    }
}
