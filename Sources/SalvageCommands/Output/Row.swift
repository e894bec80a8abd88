import JSON
import Store
import Terminal

/// A column of a listing.
struct Column: ExpressibleByStringLiteral {
    let title: String
    let isNumber: Bool

    init(stringLiteral title: String) {
        self.title = title
        isNumber = false
    }

    private init(number title: String) {
        self.title = title
        isNumber = true
    }

    /// A column of numbers, which are aligned on the right.
    static func number(_ title: String) -> Column { Column(number: title) }
}

/// One result of a command in both of its forms: a row of a table and a JSON object.
protocol Row {
    /// The table's columns.
    static var columns: [Column] { get }
    /// The row's cells, one for each column; text from containers is escaped.
    var cells: [Table.Cell] { get }
    /// All facts of the cells, and more, as one JSON object.
    var json: [UInt8] { get }
}

extension Table {
    /// A table for rows of one kind.
    init<Item: Row>(of kind: Item.Type) {
        self.init(
            Item.columns.map(\.title), rightAligned: Set(Item.columns.indices.filter { Item.columns[$0].isNumber }))
    }
}

/// Prints rows as they come: as JSON lines at once, as a table at the end, because its columns are as wide as their widest
/// cell.
struct Listing<Item: Row> {
    private let output: Output
    private var table = Table(of: Item.self)
    /// The number of rows added.
    private(set) var count = 0

    init(_ output: Output) { self.output = output }

    /// Adds a row. Ends the command if the reader has closed the pipe.
    mutating func add(_ row: Item) throws {
        count += 1
        guard output.json else { return table.add(row.cells) }
        output.line(row.json)
        try output.checkReader()
    }

    /// Writes the table.
    func finish() {
        if !output.json { table.write(to: output.sink, style: output.style) }
    }

    /// Writes the table and ends the output; without rows, says so and ends the command with exit code 1.
    func finish(orNothing message: String, _ options: GlobalOptions) throws {
        if count == 0 { try output.nothing(message, options) }
        finish()
        try output.finish()
    }

    /// Ends the listing as ``finish(orNothing:_:)`` does. If something could not be read, reports that and ends the
    /// command with exit code 3: what was not read may have rows, so nothing is said of their number.
    func finish(orNothing message: String, unread: [StoreError], _ options: GlobalOptions) throws {
        guard !unread.isEmpty else { return try finish(orNothing: message, options) }
        if count > 0 { finish() }
        try output.finish()
        for error in unread { Failure(error).report(json: options.json, style: options.errorStyle) }
        throw EndedWith(status: .partial)
    }
}
