/// A table with a header. Columns are as wide as their widest cell; the last column is not padded.
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

    private let header: [String]
    private let rightAligned: Set<Int>
    private var rows: [[Cell]] = []

    /// A table with these column titles. `rightAligned` has the indices of the columns that hold numbers.
    public init(_ header: [String], rightAligned: Set<Int> = []) {
        self.header = header
        self.rightAligned = rightAligned
    }

    /// Whether no row was added.
    public var isEmpty: Bool { rows.isEmpty }

    /// Adds a row. Cells beyond the header's columns are not printed.
    public mutating func add(_ row: [Cell]) { rows.append(row) }

    /// Writes the table, its header dimmed.
    public func write(to sink: BufferedOutput, style: Style) {
        let titles = header.map { title in Cell(title) { style, text in style.dim(text) } }
        let all = [titles] + rows
        var widths = [Int](repeating: 0, count: header.count)
        for row in all {
            for (index, cell) in row.enumerated() where index < widths.count {
                widths[index] = max(widths[index], Self.width(cell.text))
            }
        }
        for row in all {
            var line = ""
            for (index, cell) in row.enumerated() where index < widths.count {
                let gap = String(repeating: " ", count: widths[index] - Self.width(cell.text))
                let isLast = index == widths.count - 1
                let padded = rightAligned.contains(index) ? gap + cell.text : isLast ? cell.text : cell.text + gap
                line += (index > 0 ? "  " : "") + cell.dress(style, padded)
            }
            sink.write(line + "\n")
        }
    }

    /// The number of terminal columns that a text takes: two for East Asian wide characters and emoji, none for combining
    /// marks (Unicode Standard Annex 11, limited to the ranges that names of games and players use).
    static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: return sum
            default: break
            }
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                return sum + 2
            default: return sum + 1
            }
        }
    }
}
