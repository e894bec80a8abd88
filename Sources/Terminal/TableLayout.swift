/// Which columns of a table are shown and how wide they are, so that it fits a terminal.
///
/// First the cells that may be cut are cut, the widest column first; if that is not enough, the least important column is
/// left out, and so on.
struct TableLayout: Equatable {
    /// A column as the layout sees it.
    struct Column {
        /// The width of its widest cell, the heading included.
        var natural: Int
        /// The least width, heading included.
        var least: Int
        var priority: Int
    }

    /// The width of each column; nil for those left out.
    private(set) var widths: [Int?]

    /// The number of spaces between columns.
    static let gap = 2

    /// - Parameters:
    ///   - available: the columns of the terminal; nil if there is no limit.
    ///   - mayDrop: whether columns may be left out; false if the user named them.
    init(_ columns: [Column], available: Int?, mayDrop: Bool = true) {
        widths = columns.map(\.natural)
        guard let available else { return }
        while true {
            let shown = widths.indices.filter { widths[$0] != nil }
            for index in shown { widths[index] = columns[index].natural }
            if Self.shrink(&widths, shown, columns, to: available) { return }
            guard mayDrop, let dropped = Self.leastImportant(shown, columns) else { break }
            widths[dropped] = nil
        }
        guard mayDrop else { return }
        // What is never left out is cut wherever it must be.
        let shown = widths.indices.filter { widths[$0] != nil }
        let bare = columns.map { Column(natural: $0.natural, least: 1, priority: $0.priority) }
        _ = Self.shrink(&widths, shown, bare, to: available)
    }

    /// The last of the columns with the greatest priority; nil if only columns that are never left out remain.
    private static func leastImportant(_ shown: [Int], _ columns: [Column]) -> Int? {
        guard shown.count > 1, let greatest = shown.map({ columns[$0].priority }).max(), greatest > 0 else {
            return nil
        }
        return shown.last { columns[$0].priority == greatest }
    }

    /// Narrows the widest columns until all fit; returns false if they do not fit at their least widths.
    private static func shrink(_ widths: inout [Int?], _ shown: [Int], _ columns: [Column], to available: Int) -> Bool {
        let room = available - gap * max(0, shown.count - 1)
        // A cell can be very wide, and no column can be wider than the room.
        for index in shown where columns[index].least < columns[index].natural {
            widths[index] = max(columns[index].least, min(columns[index].natural, max(room, 1)))
        }
        var total = shown.reduce(0) { $0 + (widths[$1] ?? 0) }
        while total > room {
            let narrowable = shown.filter { (widths[$0] ?? 0) > columns[$0].least }
            guard let widest = narrowable.max(by: { (widths[$0] ?? 0) < (widths[$1] ?? 0) }) else { return false }
            widths[widest] = (widths[widest] ?? 1) - 1
            total -= 1
        }
        return true
    }
}
