/// A statement of a transaction. It is sent when it first steps, or when ``start()`` is called; a statement without rows is only
/// queued, and its error shows with the next answer that is waited for.
///
/// Nothing is prepared on the server: behind PgBouncer the next transaction may have another connection.
final class PostgresStatement: SQLStatement {
    private let text: PostgresText
    private let transaction: PostgresTransaction
    /// Rows to fetch at a time through a cursor; nil to receive them as they come.
    private let pageSize: Int?
    private var values: [PostgresValue]
    private var rows: PostgresRows?
    private var cursor: String?

    init(_ sql: String, in transaction: PostgresTransaction, pageSize: Int?) {
        text = PostgresText(sql)
        self.transaction = transaction
        self.pageSize = pageSize
        values = [PostgresValue](repeating: .null, count: text.count)
    }

    deinit { rows?.stop() }

    func start() throws(CatalogError) {
        guard rows == nil else { return }
        try refuseNUL()
        guard text.returnsRows else { return }
        let new = PostgresRows()
        if let pageSize {
            let name = transaction.cursorName()
            try transaction.send("DECLARE \(name) NO SCROLL CURSOR FOR \(text.sql)", values)
            cursor = name
            try transaction.send("FETCH \(pageSize) FROM \(name)", into: new)
        } else {
            try transaction.send(text.sql, values, into: new)
        }
        rows = new
    }

    func step() throws(CatalogError) -> Bool {
        guard text.returnsRows else {
            try refuseNUL()
            try transaction.send(text.sql, values)
            return false
        }
        try start()
        while let rows {
            if rows.next() { return true }
            if !rows.isComplete {
                try transaction.receive(rows)
            } else if let cursor, let pageSize, rows.count >= pageSize {
                let new = PostgresRows()
                try transaction.send("FETCH \(pageSize) FROM \(cursor)", into: new)
                self.rows = new
            } else {
                self.rows = nil
                try closeCursor()
            }
        }
        return false
    }

    func reset() {
        rows?.stop()
        rows = nil
        // A cursor that cannot be closed goes with the transaction, whose error the next statement reports.
        try? closeCursor()
    }

    private func closeCursor() throws(CatalogError) {
        guard let name = cursor else { return }
        cursor = nil
        try transaction.send("CLOSE \(name)")
    }

    /// PostgreSQL's text cannot contain a NUL, and cutting it off would make two ids equal.
    private func refuseNUL() throws(CatalogError) {
        for (index, value) in values.enumerated() {
            guard case .text(let bytes) = value, bytes.contains(0) else { continue }
            let role = text.role(of: index + 1).map { "the value of \"\($0)\"" } ?? "value \(index + 1) of a statement"
            throw CatalogError(
                code: .database, message: "\(role) contains a NUL character, which PostgreSQL cannot store",
                path: transaction.path,
                hint: "such an id or name can only be kept in an embedded store")
        }
    }

    // MARK: Binding

    private func bind(_ position: Int32, to value: PostgresValue) {
        let index = Int(position) - 1
        guard values.indices.contains(index) else { return }
        values[index] = value
    }

    func bindNull(_ position: Int32) { bind(position, to: .null) }

    func bindInteger(_ position: Int32, _ value: Int64) { bind(position, to: .integer(value)) }

    func bindText(_ position: Int32, _ bytes: UnsafeBufferPointer<UInt8>) { bind(position, to: .text(Array(bytes))) }

    func bindBlob(_ position: Int32, _ bytes: UnsafeRawBufferPointer) { bind(position, to: .bytes(Array(bytes))) }

    // MARK: Reading

    func isNull(_ column: Int32) -> Bool { rows?.cell(column) == nil }

    func integer(_ column: Int32) -> Int64 { integerOrNil(column) ?? 0 }

    func integerOrNil(_ column: Int32) -> Int64? {
        guard let (type, bytes) = rows?.cell(column) else { return nil }
        switch type {
        case PostgresValue.TypeNumber.float32, PostgresValue.TypeNumber.float64:
            return PostgresBinary.clamped(PostgresBinary.float(bytes))
        case PostgresValue.TypeNumber.numeric: return PostgresBinary.numeric(bytes)
        case PostgresValue.TypeNumber.number: return PostgresBinary.integer(bytes) & 0xFFFF_FFFF
        case PostgresValue.TypeNumber.boolean, PostgresValue.TypeNumber.integer16, PostgresValue.TypeNumber.integer32,
            PostgresValue.TypeNumber.integer64:
            return PostgresBinary.integer(bytes)
        default: return Int64(String(decoding: bytes, as: UTF8.self)) ?? 0
        }
    }

    func textOrNil(_ column: Int32) -> String? {
        guard let (type, bytes) = rows?.cell(column) else { return nil }
        switch type {
        case PostgresValue.TypeNumber.boolean, PostgresValue.TypeNumber.integer16, PostgresValue.TypeNumber.integer32,
            PostgresValue.TypeNumber.integer64, PostgresValue.TypeNumber.number, PostgresValue.TypeNumber.numeric:
            return String(integer(column))
        case PostgresValue.TypeNumber.float32, PostgresValue.TypeNumber.float64:
            return String(PostgresBinary.float(bytes))
        case PostgresValue.TypeNumber.uuid: return PostgresBinary.uuid(bytes)
        default: return String(decoding: self.bytes(column), as: UTF8.self)
        }
    }

    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        guard let (type, bytes) = rows?.cell(column) else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        // The first byte is the version of the format, whose rest is text.
        return type == PostgresValue.TypeNumber.jsonb ? UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) : bytes
    }
}
