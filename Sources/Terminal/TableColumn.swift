/// A column of a table: its heading, and what becomes of it where the table is too wide.
public struct TableColumn: Sendable, ExpressibleByStringLiteral {
    /// Where a cell is cut that does not fit.
    public enum Cut: Sendable {
        /// Nowhere: it is shown whole or not at all.
        case none
        /// In the middle, for ids, signatures and paths, whose ends tell most.
        case middle
        /// At the end, for sentences and lists.
        case end
    }

    /// The priority of a column that says nothing else. Smaller numbers are more important; where a table is too wide,
    /// the columns with the greatest are left out first.
    public static let usual = 5

    /// The name in `--columns`: the name of the JSON field.
    public var key: String
    /// The heading.
    public var title: String
    /// Whether cells are numbers, which are aligned on the right.
    public var isNumber: Bool
    /// Whether cells are times, whose zone the heading names.
    public var isTime: Bool
    /// How important the column is; 0 is never left out.
    public var priority: Int
    /// The least width to which cells are cut.
    public var minimum: Int
    /// Where cells are cut.
    public var cut: Cut

    /// A column.
    /// - Parameters:
    ///   - title: the heading.
    ///   - key: the name in `--columns`; nil derives it from the heading: `FIRST SEEN` is `first_seen`.
    ///   - priority: how important the column is: 0 is never left out, greater numbers go first.
    ///   - cut: where cells are cut if the table is too wide.
    ///   - minimum: the least width to which cells are cut.
    public init(
        _ title: String, key: String? = nil, isNumber: Bool = false, isTime: Bool = false,
        priority: Int = TableColumn.usual, cut: Cut = .none, minimum: Int = 12
    ) {
        self.title = title
        self.key = key ?? Self.name(title)
        self.isNumber = isNumber
        self.isTime = isTime
        self.priority = priority
        self.cut = cut
        self.minimum = minimum
    }

    /// A column that is what its heading means in every listing: `SIGNATURE` is cut in the middle, `ENDED` has times. A
    /// heading that is nothing in particular is a column of short texts.
    public init(stringLiteral title: String) {
        let usual = Defaults.of(title)
        self.init(
            title, isTime: usual.isTime, priority: usual.priority, cut: usual.cut, minimum: usual.minimum)
    }

    /// The column with another name in `--columns`, that of its JSON field.
    public func field(_ key: String) -> TableColumn {
        var column = self
        column.key = key
        return column
    }

    /// A column of numbers.
    public static func number(_ title: String, key: String? = nil, priority: Int? = nil) -> TableColumn {
        TableColumn(title, key: key, isNumber: true, priority: priority ?? Defaults.of(title).priority)
    }

    /// A column of times; the heading names the zone: `ENDED (CET)`. Cells are written with `TimeText.table`.
    public static func time(_ title: String, key: String? = nil, priority: Int = TableColumn.usual) -> TableColumn {
        TableColumn(title, key: key, isTime: true, priority: priority)
    }

    /// A column of texts that may be cut.
    public static func text(
        _ title: String, key: String? = nil, priority: Int = TableColumn.usual, cut: Cut = .end, minimum: Int = 12
    ) -> TableColumn {
        TableColumn(title, key: key, priority: priority, cut: cut, minimum: minimum)
    }

    /// The heading as it is printed.
    var heading: String { isTime ? "\(title) (\(DisplayZone.name(at: TimeText.now())))" : title }

    /// Whether `name`, as a user writes it, is the column's key or heading.
    public func isNamed(_ name: String) -> Bool {
        Self.name(name) == Self.name(key) || Self.name(name) == Self.name(title)
    }

    private static func name(_ text: String) -> String {
        let words = text.lowercased().split { $0 == " " || $0 == "-" || $0 == "_" }
        return words.joined(separator: "_")
    }
}
