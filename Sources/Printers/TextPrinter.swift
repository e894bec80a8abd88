public import LogSearch
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
                output.write(MemberName.text(member, escapes: options.escape))
                if options.color { output.write(TextRenderer.reset) }
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
            output.write(MemberName.text(member, escapes: options.escape))
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
    public var needsMatches: Bool { options.mode == .onlyMatching || (options.color && !inverts) }

    /// Whether lines are printed unchanged.
    private var isPlain: Bool { options.mode == .lines && !hasContext && !options.color && !options.escape }

    private var printsNameInLines: Bool { options.showName && !options.heading }

    /// Creates an empty block.
    public func makeBlock(_ member: SearchedMember, isWhole: Bool) -> RenderedLines {
        let name = printsNameInLines ? MemberName.text(member, escapes: options.escape) : []
        guard isPlain, isWhole else { return RenderedLines(name: name, isWhole: isWhole) }
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
            add(lines, index, block.name, to: &block.bytes)
            block.endLine()
        }
    }

    private func add(_ lines: FoundLines, _ index: Int, _ name: [UInt8], to out: inout [UInt8]) {
        let line = lines.lines[index]
        let bytes = lines.bytes(of: line)
        let matches = lines.matches(at: index)
        if options.mode == .onlyMatching, line.isSelected, !inverts {
            for match in matches {
                prefix(name, line, to: &out)
                let part = UnsafeRawBufferPointer(rebasing: bytes[match])
                content(part, [0..<part.count], to: &out)
                out.append(0x0A)
            }
            return
        }
        prefix(name, line, to: &out)
        content(bytes, matches, to: &out)
        out.append(0x0A)
    }

    private func prefix(_ name: [UInt8], _ line: FoundLine, to out: inout [UInt8]) {
        let mark: UInt8 = line.isSelected ? 0x3A : 0x2D
        if printsNameInLines {
            colored(Self.nameColor, &out) { $0 += name }
            out.append(mark)
        }
        if options.lineNumbers {
            colored(Self.numberColor, &out) { $0.append(decimal: line.number) }
            out.append(mark)
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
        for match in matches where !match.isEmpty && match.lowerBound >= at {
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
            isEnd ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes, to: &out, keeping: .tabs)
    }
}
