/// A table with a header. Columns are as wide as their widest cell, or as the terminal allows; the last column is not
/// padded.
public struct Table: Sendable {
    /// One cell: its text and its style when colour is on.
    public struct Cell: Sendable, ExpressibleByStringLiteral {
        let text: String
        let dress: @Sendable (Style, String) -> String

        /// A cell that is printed as it is.
        public init(_ text: String) {
            self.init(text) { _, text in text }
        }

        /// A cell that is styled after padding, so that escape sequences do not count towards the width.
        public init(_ text: String, _ dress: @escaping @Sendable (Style, String) -> String) {
            self.text = text
            self.dress = dress
        }

        /// A literal cell.
        public init(stringLiteral value: String) { self.init(value) }
    }

    private let columns: [TableColumn]
    private var rows: [[Cell]] = []
    /// The columns to print, in order, if the user named them.
    private let chosen: [Int]?
    /// The spaces before each line.
    private let indent: Int

    /// A table with these columns.
    /// - Parameters:
    ///   - chosen: the indices of the columns to print, in order; nil prints all, or those that fit the terminal.
    ///   - indent: the number of spaces before each line.
    public init(_ columns: [TableColumn], showing chosen: [Int]? = nil, indent: Int = 0) {
        self.columns = columns
        self.chosen = chosen?.filter { columns.indices.contains($0) }
        self.indent = indent
    }

    /// A table with these column titles. `rightAligned` has the indices of the columns that hold numbers.
    public init(_ header: [String], rightAligned: Set<Int> = []) {
        self.init(header.enumerated().map { TableColumn($1, isNumber: rightAligned.contains($0)) })
    }

    /// Whether no row was added.
    public var isEmpty: Bool { rows.isEmpty }

    /// Adds a row. Cells beyond the header's columns are not printed.
    public mutating func add(_ row: [Cell]) { rows.append(row) }

    /// Writes the table, its header dimmed, and below it the columns that did not fit.
    public func write(to sink: BufferedOutput, style: Style) {
        for line in lines(style) { sink.write(line + "\n") }
    }

    /// The lines of the table.
    func lines(_ style: Style) -> [String] {
        let order = chosen ?? Array(columns.indices)
        let headings = columns.map { style.charset.text($0.heading) }
        let texts = rows.map { row in row.map { style.charset.text($0.text) } }
        var widths = headings.map { DisplayWidth.of($0) }
        for row in texts {
            for (index, text) in row.enumerated() where index < widths.count {
                widths[index] = max(widths[index], DisplayWidth.of(text))
            }
        }
        let layout = TableLayout(
            order.map { index in
                let column = columns[index]
                let least = column.cut == .none ? widths[index] : max(column.minimum, DisplayWidth.of(headings[index]))
                return TableLayout.Column(
                    natural: widths[index], least: min(least, widths[index]), priority: column.priority)
            }, available: style.width.map { max(1, $0 - indent) }, mayDrop: chosen == nil)
        let shown = zip(order, layout.widths).compactMap { index, width in width.map { (index, $0) } }
        var lines = [
            line(shown, style) { Cell(headings[$0]) { $0.dim($1) } }
        ]
        for (row, texts) in zip(rows, texts) {
            lines.append(
                line(shown, style) { index in
                    index < row.count ? Cell(texts[index], row[index].dress) : nil
                })
        }
        let dropped = zip(order, layout.widths).filter { $0.1 == nil }.map { columns[$0.0].title }
        if !dropped.isEmpty { lines += note(dropped, style) }
        return lines
    }

    private func line(_ shown: [(index: Int, width: Int)], _ style: Style, _ cell: (Int) -> Cell?) -> String {
        var line = String(repeating: " ", count: indent)
        for (place, column) in shown.enumerated() {
            guard let cell = cell(column.index) else { break }
            let cut = columns[column.index].cut
            let text = DisplayWidth.cut(cell.text, to: column.width, cut == .none ? .end : cut, style.charset)
            let gap = String(repeating: " ", count: max(0, column.width - DisplayWidth.of(text)))
            let isLast = place == shown.count - 1
            let padded = columns[column.index].isNumber ? gap + text : isLast ? text : text + gap
            line += (place > 0 ? String(repeating: " ", count: TableLayout.gap) : "") + cell.dress(style, padded)
        }
        return line
    }

    /// Names what did not fit, within the width of the terminal.
    private func note(_ dropped: [String], _ style: Style) -> [String] {
        var lines: [String] = []
        var line = "not shown:"
        let words =
            dropped.enumerated().map { $1 + ($0 == dropped.count - 1 ? "" : ",") } + ["(choose", "with", "--columns)"]
        for word in words {
            if let width = style.width, DisplayWidth.of(line) + 1 + DisplayWidth.of(word) > width {
                lines.append(line)
                line = "  " + word
            } else {
                line += " " + word
            }
        }
        return (lines + [line]).map { style.dim($0) }
    }
}
