public import LogSearch
import Model
import Text

/// Prints lines, or their matches, as ripgrep does.
public struct TextPrinter<Output: SearchOutput>: SearchSink {
    /// Renders lines.
    public let renderer: TextRenderer
    private let options: PrintOptions
    private let hasContext: Bool
    private(set) var output: CheckedOutput<Output>
    private var anyMember = false

    /// Creates a printer.
    /// - Parameters:
    ///   - inverts: whether lines that do not match are selected.
    ///   - hasContext: whether lines around the selected ones are printed; groups are then separated by `--`.
    public init(_ output: Output, _ options: PrintOptions, inverts: Bool, hasContext: Bool) {
        self.options = options
        self.hasContext = hasContext
        self.output = CheckedOutput(output)
        renderer = TextRenderer(options: options, inverts: inverts, hasContext: hasContext)
    }

    /// Whether the output is closed.
    public var isClosed: Bool { output.isClosed }

    /// Prints a heading or a separator.
    public mutating func begin(_ member: SearchedMember) {
        if options.heading {
            if anyMember { output.write("\n") }
            if options.showName {
                if options.color { output.write(TextRenderer.nameColor) }
                output.write(MemberName.text(member, options))
                if options.color { output.write(TextRenderer.reset) }
                output.write(MemberName.also(member, options))
                output.write("\n")
            }
        } else if anyMember, hasContext {
            output.write("--\n")
        }
        anyMember = true
    }

    /// Prints lines.
    public mutating func take(_ block: RenderedLines, _ lines: Range<Int>) { block.write(lines, to: &output) }

    /// Prints a separator.
    public mutating func gap() { output.write("--\n") }

    /// Says that a member is binary, if it is.
    public mutating func end(_ member: SearchedMember, _ result: MemberResult) {
        guard let offset = result.binaryOffset else { return }
        if options.showName {
            output.write(MemberName.text(member, options))
            output.write(": ")
        }
        output.write("binary file matches (found \"\\0\" byte around offset \(offset))\n")
    }

    /// Does nothing.
    public mutating func finish(_ report: SearchReport) {}

    /// Writes buffered bytes.
    public mutating func flush() { output.flush() }
}

/// Renders lines as text.
public struct TextRenderer: BlockRenderer {
    let options: PrintOptions
    let inverts: Bool
    let hasContext: Bool

    static let nameColor = Array("\u{1B}[35m".utf8)
    private static let numberColor = Array("\u{1B}[32m".utf8)
    private static let matchColor = Array("\u{1B}[1;31m".utf8)
    static let reset = Array("\u{1B}[0m".utf8)

    /// Whether lines need their numbers.
    public var needsNumbers: Bool { options.lineNumbers }

    /// Whether matches are printed or colored.
    public var needsMatches: Bool {
        options.mode == .onlyMatching || (!inverts && (options.color || options.column || options.perMatch))
    }

    /// Whether lines are printed unchanged.
    private var isPlain: Bool {
        options.mode == .lines && !hasContext && !options.color && !options.escape && !options.column
            && !options.perMatch
    }

    private var printsNameInLines: Bool { options.showName && !options.heading }

    /// Creates an empty block.
    public func makeBlock(_ member: SearchedMember, isWhole: Bool) -> RenderedLines {
        let name =
            printsNameInLines
            ? MemberName.text(member, options, location: options.showLocation) : []
        guard isPlain, isWhole else {
            let color = options.colorsSessions ? SessionColor.code(of: member.label.session) : Self.nameColor
            return RenderedLines(name: name, color: color, isWhole: isWhole)
        }
        var block = RenderedLines(name: printsNameInLines ? name + [0x3A] : [], isWhole: true)
        block.plain = TextBuffer(capacity: 8 << 10)
        return block
    }

    /// Adds lines.
    public func add(_ lines: FoundLines, to block: inout RenderedLines) {
        if let plain = block.plain {
            block.name.withUnsafeBytes { name in
                let isNumbered = options.lineNumbers
                for line in lines.lines {
                    plain.append(name, isNumbered ? line.number : 0, lines.bytes(of: line))
                }
            }
            return
        }
        for index in lines.lines.indices {
            add(lines, index, &block)
            block.endLine()
        }
    }

    private func add(_ lines: FoundLines, _ index: Int, _ block: inout RenderedLines) {
        let line = lines.lines[index]
        let bytes = lines.bytes(of: line)
        let matches = lines.matches(at: index)
        guard line.lines == 1 else { return addGroup(line, bytes, matches, &block) }
        // A context line has neither column nor matches of its own.
        let isMatch = line.isSelected && !inverts
        if options.mode == .onlyMatching, isMatch {
            for match in matches {
                let part = UnsafeRawBufferPointer(rebasing: bytes[clipped(match, to: bytes)])
                // A match of nothing but the line feed has no text on the line.
                if part.isEmpty, !match.isEmpty { continue }
                prefix(line, column: match.lowerBound, &block)
                content(part, [0..<part.count], to: &block.bytes)
                block.bytes.append(0x0A)
            }
        } else if options.perMatch, isMatch {
            for match in matches {
                prefix(line, column: match.lowerBound, &block)
                content(bytes, [match], to: &block.bytes)
                block.bytes.append(0x0A)
            }
        } else {
            prefix(line, column: isMatch ? matches.first?.lowerBound : nil, &block)
            content(bytes, matches, to: &block.bytes)
            block.bytes.append(0x0A)
        }
    }

    /// Adds lines that matches span, as ripgrep prints them: each with its number, and all with the column of the first
    /// match.
    private func addGroup(
        _ line: FoundLine, _ bytes: UnsafeRawBufferPointer, _ matches: ArraySlice<Range<Int>>,
        _ block: inout RenderedLines
    ) {
        var start = 0
        var number = line.number
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if options.mode == .onlyMatching {
                for match in matches where max(match.lowerBound, start) < min(match.upperBound, end) {
                    prefix(line, number: number, column: match.lowerBound, &block)
                    let part = max(match.lowerBound, start) - start..<min(match.upperBound, end) - start
                    content(UnsafeRawBufferPointer(rebasing: text[part]), [0..<part.count], to: &block.bytes)
                    block.bytes.append(0x0A)
                }
            } else if options.perMatch {
                for match in matches where match.lowerBound >= start && match.lowerBound <= end {
                    prefix(line, number: number, column: match.lowerBound - start, &block)
                    content(text, [match.lowerBound - start..<match.upperBound - start], to: &block.bytes)
                    block.bytes.append(0x0A)
                }
            } else {
                prefix(line, number: number, column: matches.first?.lowerBound, &block)
                let parts = matches.filter { $0.lowerBound < end && $0.upperBound > start }
                    .map { max($0.lowerBound, start) - start..<min($0.upperBound, end) - start }
                content(text, parts[...], to: &block.bytes)
                block.bytes.append(0x0A)
            }
            start = end + 1
            number &+= 1
        }
    }

    /// A match may include the line feed, which is not part of the line's bytes.
    private func clipped(_ match: Range<Int>, to bytes: UnsafeRawBufferPointer) -> Range<Int> {
        min(match.lowerBound, bytes.count)..<min(match.upperBound, bytes.count)
    }

    /// Adds name, number and column.
    /// - Parameter column: the offset of a match; nil for a line without one.
    private func prefix(_ line: FoundLine, number: UInt64? = nil, column: Int?, _ block: inout RenderedLines) {
        let mark: UInt8 = line.isSelected ? 0x3A : 0x2D
        if printsNameInLines {
            let name = block.name
            colored(block.color, &block.bytes) { $0 += name }
            block.bytes.append(mark)
        }
        if options.lineNumbers {
            colored(Self.numberColor, &block.bytes) { $0.append(decimal: number ?? line.number) }
            block.bytes.append(mark)
        }
        if options.column || options.perMatch, let column {
            block.bytes.append(decimal: UInt64(column) + 1)
            block.bytes.append(mark)
        }
    }

    private func colored(_ color: [UInt8], _ out: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        if options.color { out += color }
        body(&out)
        if options.color { out += Self.reset }
    }

    private func content(
        _ line: UnsafeRawBufferPointer, _ matches: ArraySlice<Range<Int>>, to out: inout [UInt8]
    ) {
        guard options.color, !matches.isEmpty else {
            plain(line, to: &out)
            return
        }
        var at = 0
        for match in matches.map({ clipped($0, to: line) }) where !match.isEmpty && match.lowerBound >= at {
            plain(UnsafeRawBufferPointer(rebasing: line[at..<match.lowerBound]), endsLine: false, to: &out)
            out += Self.matchColor
            plain(
                UnsafeRawBufferPointer(rebasing: line[match]), endsLine: match.upperBound == line.count, to: &out)
            out += Self.reset
            at = match.upperBound
        }
        plain(UnsafeRawBufferPointer(rebasing: line[at...]), to: &out)
    }

    private func plain(_ bytes: UnsafeRawBufferPointer, endsLine: Bool = true, to out: inout [UInt8]) {
        guard options.escape else {
            out.append(contentsOf: bytes)
            return
        }
        // A final carriage return is part of the line ending and harmless.
        let isEnd = endsLine && bytes.last == 0x0D
        Escape.append(
            isEnd ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes, to: &out, keeping: .tabs,
            asciiOnly: options.asciiOnly)
    }
}
