internal import Clocks
internal import JSON
public import LogSearch

/// Prints ripgrep's JSON messages: `begin`, `match`, `context`, `end`, `summary`.
public struct JSONPrinter<Output: SearchOutput>: SearchSink {
    private(set) var output: CheckedOutput<Output>
    /// The monotonic time, in nanoseconds.
    private let started = MonotonicClock.nanoseconds()
    /// Bytes printed before the current member, and its fields if `begin` was printed.
    private var printedBefore: UInt64 = 0
    private var fields: [UInt8]?
    private var printedBytes: UInt64 = 0

    /// Creates a printer.
    public init(_ output: Output) { self.output = CheckedOutput(output) }

    /// Renders `match` and `context` messages.
    public var renderer: JSONRenderer { JSONRenderer() }
    /// Whether the output is closed.
    public var isClosed: Bool { output.isClosed }

    /// Prints a `begin` message.
    public mutating func begin(_ member: SearchedMember) {
        let fields = MemberName.json(member)
        self.fields = fields
        printedBefore = output.count
        output.write("{\"type\":\"begin\",\"data\":{")
        output.write(fields)
        output.write(MemberName.alsoJSON(member))
        output.write("}}\n")
    }

    /// Prints messages.
    public mutating func take(_ block: RenderedLines, _ lines: Range<Int>) { block.write(lines, to: &output) }

    /// Does nothing.
    public mutating func gap() {}

    /// Prints an `end` message.
    public mutating func end(_ member: SearchedMember, _ result: MemberResult) {
        guard let fields else { return }
        self.fields = nil
        let printed = output.count - printedBefore
        printedBytes += printed
        output.write("{\"type\":\"end\",\"data\":{")
        output.write(fields)
        let offset = result.binaryOffset.map { "\($0)" } ?? "null"
        let statistics = Self.statistics(
            members: 1, matched: 1, searched: result.searchedBytes, printed: printed, lines: result.lines,
            matches: result.matches, result.nanoseconds)
        output.write(",\"binary_offset\":\(offset),\"stats\":\(statistics)}}\n")
    }

    /// Prints the `summary` message.
    public mutating func finish(_ report: SearchReport) {
        let total = Self.duration(UInt64(clamping: MonotonicClock.nanoseconds() - started))
        let statistics = Self.statistics(
            members: report.members, matched: report.membersMatched, searched: report.decodedBytes,
            printed: printedBytes, lines: report.lines, matches: report.matches, report.nanoseconds)
        output.write("{\"type\":\"summary\",\"data\":{\"elapsed_total\":\(total),\"stats\":\(statistics)}}\n")
    }

    /// Prints the `summary` message of a search whose messages were printed otherwise.
    mutating func finish(_ report: SearchReport, printed: UInt64) {
        printedBytes = printed
        finish(report)
    }

    /// Writes a message.
    mutating func write(_ bytes: UnsafeRawBufferPointer) { output.write(bytes) }

    /// Writes buffered bytes.
    public mutating func flush() { output.flush() }

    /// ripgrep's duration object: whole seconds, nanoseconds, and text.
    private static func duration(_ nanoseconds: UInt64) -> String {
        let micros = String(nanoseconds / 1000 % 1_000_000)
        let seconds = nanoseconds / 1_000_000_000
        return "{\"secs\":\(seconds),\"nanos\":\(nanoseconds % 1_000_000_000),\"human\":\"\(seconds)."
            + String(repeating: "0", count: 6 - micros.utf8.count) + micros + "s\"}"
    }

    private static func statistics(
        members: Int, matched: Int, searched: UInt64, printed: UInt64, lines: UInt64, matches: UInt64,
        _ nanoseconds: UInt64
    ) -> String {
        "{\"elapsed\":\(duration(nanoseconds)),\"searches\":\(members),\"searches_with_match\":\(matched),"
            + "\"bytes_searched\":\(searched),\"bytes_printed\":\(printed),\"matched_lines\":\(lines),"
            + "\"matches\":\(matches)}"
    }
}

/// Renders ripgrep's `match` and `context` messages, with the member's session, image, tag and location.
public struct JSONRenderer: BlockRenderer {
    /// Messages have line numbers.
    public var needsNumbers: Bool { true }
    /// Messages have submatches.
    public var needsMatches: Bool { true }
    /// Whether messages have the time of the line.
    var addsTime = false

    /// Creates an empty block.
    public func makeBlock(_ member: SearchedMember, isWhole: Bool) -> RenderedLines {
        RenderedLines(name: MemberName.json(member), isWhole: isWhole)
    }

    /// Adds one message for each line.
    public func add(_ lines: FoundLines, to block: inout RenderedLines) {
        for index in lines.lines.indices {
            message(lines, index, block.name, to: &block.bytes)
            block.endLine()
        }
    }

    private func message(_ lines: FoundLines, _ index: Int, _ name: [UInt8], to out: inout [UInt8]) {
        let line = lines.lines[index]
        let range = lines.range(of: line)
        out += (line.isSelected ? "{\"type\":\"match\",\"data\":{" : "{\"type\":\"context\",\"data\":{").utf8
        out += name
        out += ",\"lines\":".utf8
        let end = lines.hasFeed(line) ? range.upperBound + 1 : range.upperBound
        JSONBytes.appendData(UnsafeRawBufferPointer(rebasing: lines.text[range.lowerBound..<end]), to: &out)
        out += ",\"line_number\":".utf8
        out.append(decimal: line.number)
        out += ",\"absolute_offset\":".utf8
        out.append(decimal: lines.offset &+ UInt64(range.lowerBound))
        out += ",\"submatches\":[".utf8
        var isFirst = true
        for match in lines.matches(at: index) {
            if !isFirst { out.append(0x2C) }
            isFirst = false
            out += "{\"match\":".utf8
            // A match may include the line feed.
            let found = range.lowerBound + match.lowerBound..<min(range.lowerBound + match.upperBound, end)
            JSONBytes.appendData(UnsafeRawBufferPointer(rebasing: lines.text[found]), to: &out)
            out += ",\"start\":".utf8
            out.append(decimal: UInt64(match.lowerBound))
            out += ",\"end\":".utf8
            out.append(decimal: UInt64(match.upperBound))
            out.append(0x7D)
        }
        out.append(0x5D)
        if addsTime, let time = line.time {
            var object = JSONLine()
            object.add("time", time: time)
            out.append(0x2C)
            out += object.utf8.dropFirst().dropLast()
        }
        out += "}}\n".utf8
    }
}
