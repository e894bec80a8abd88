import JSON
import Store
import Terminal

/// A column of a listing.
typealias Column = TableColumn

/// One result of a command in both of its forms: a row of a table and a JSON object.
protocol Row {
    /// The table's columns, the most telling first.
    static var columns: [Column] { get }
    /// The row's cells, one for each column; text from containers is escaped.
    var cells: [Table.Cell] { get }
    /// All facts of the cells, and more, as one JSON object.
    var json: [UInt8] { get }
}

extension Table {
    /// A table for rows of one kind.
    init<Item: Row>(of kind: Item.Type, indent: Int = 0) { self.init(Item.columns, indent: indent) }
}

/// Prints rows as they come: as JSON lines at once, as a table at the end, because its columns are as wide as their widest
/// cell.
struct Listing<Item: Row> {
    private let output: Output
    private var table: Table
    private let wrongColumn: Failure?
    /// The number of rows added.
    private(set) var count = 0

    init(_ output: Output) {
        self.output = output
        do {
            table = Table(Item.columns, showing: try ColumnChoice.indices(output.columns, of: Item.columns))
            wrongColumn = nil
        } catch {
            table = Table(of: Item.self)
            wrongColumn = error
        }
    }

    /// Adds a row. Ends the command if the reader has closed the pipe. Throws a usage error if `--columns` names a column
    /// that the listing does not have.
    mutating func add(_ row: Item) throws {
        if let wrongColumn { throw wrongColumn }
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
        if let wrongColumn { throw wrongColumn }
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
