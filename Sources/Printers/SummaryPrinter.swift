public import LogSearch

/// Prints names or counts of members, or nothing.
public struct SummaryPrinter<Output: SearchOutput>: SearchSink {
    private let options: PrintOptions
    private let inverts: Bool
    private(set) var output: CheckedOutput<Output>

    /// Creates a printer.
    /// - Parameter inverts: whether lines that do not match are selected: their matches cannot be counted.
    public init(_ output: Output, _ options: PrintOptions, inverts: Bool) {
        self.options = options
        self.inverts = inverts
        self.output = CheckedOutput(output)
    }

    /// Lines are not printed.
    public var renderer: NoLines { NoLines() }
    /// Whether the output is closed.
    public var isClosed: Bool { output.isClosed }

    /// Does nothing.
    public mutating func begin(_ member: SearchedMember) {}
    /// Does nothing.
    public mutating func take(_ block: NoLines.Block, _ lines: Range<Int>) {}
    /// Does nothing.
    public mutating func gap() {}
    /// Does nothing.
    public mutating func finish(_ report: SearchReport) {}
    /// Writes buffered bytes.
    public mutating func flush() { output.flush() }

    /// Prints the member's name or count.
    public mutating func end(_ member: SearchedMember, _ result: MemberResult) {
        let counts = options.mode == .count || options.mode == .countMatches
        guard options.mode != .quiet else { return }
        if options.showName || !counts {
            output.write(MemberName.text(member, options))
            if counts { output.write(":") }
        }
        if counts { output.write("\(options.mode == .count || inverts ? result.lines : result.matches)") }
        output.write("\n")
        guard !counts else { return }
        for path in member.also {
            output.write(MemberName.text(member, path: path, options))
            output.write("\n")
        }
    }
}
