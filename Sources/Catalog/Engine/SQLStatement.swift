/// A compiled statement of one connection, valid as long as the connection.
///
/// Text and blobs are bound and read with explicit lengths: session ids and paths come from outside and may contain a NUL, and
/// text that ends at it would make two ids equal. An engine that cannot store a NUL in text refuses such a value with an error
/// when the statement runs.
package protocol SQLStatement: AnyObject {
    /// Sends the statement, so that its answer is on its way while others are sent. Nothing to do for an engine without round
    /// trips.
    ///
    /// - Throws: as ``step()`` does.
    func start() throws(CatalogError)

    /// Moves to the next row. Returns false at the end, after which the statement can be bound again.
    ///
    /// - Throws: ``CatalogError`` when the statement fails, a value that the engine cannot store included.
    func step() throws(CatalogError) -> Bool

    /// Ends reading before the last row.
    func reset()

    // MARK: Binding; positions start at 1. A value stays bound until another one replaces it.

    /// Binds NULL.
    func bindNull(_ position: Int32)

    /// Binds a number.
    func bindInteger(_ position: Int32, _ value: Int64)

    /// Binds UTF-8 text, which is copied.
    func bindText(_ position: Int32, _ bytes: UnsafeBufferPointer<UInt8>)

    /// Binds bytes, which are copied.
    func bindBlob(_ position: Int32, _ bytes: UnsafeRawBufferPointer)

    // MARK: Reading the current row; columns start at 0.

    /// Whether a column is NULL.
    func isNull(_ column: Int32) -> Bool

    /// A column as a number; 0 for NULL. Floating-point sums are truncated, and clamped to 64 bits.
    func integer(_ column: Int32) -> Int64

    /// A column as a number; nil for NULL.
    func integerOrNil(_ column: Int32) -> Int64?

    /// A column as text, with invalid UTF-8 replaced; nil for NULL.
    func textOrNil(_ column: Int32) -> String?

    /// The bytes of a text or blob column, valid until the next step; empty for NULL.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer
}

extension SQLStatement {
    package func start() throws(CatalogError) {}

    /// Runs the statement and ignores its rows. A remote engine may only queue one without rows, as
    /// ``SQLConnection/execute(_:)`` does.
    package func run() throws(CatalogError) { while try step() {} }

    // MARK: Binding

    /// Binds a number or NULL.
    @discardableResult package func bind(_ position: Int32, _ value: Int64?) -> Self {
        if let value { bindInteger(position, value) } else { bindNull(position) }
        return self
    }

    /// Binds a number or NULL.
    @discardableResult package func bind(_ position: Int32, _ value: Int?) -> Self {
        bind(position, value.map { Int64($0) })
    }

    /// Binds a number or NULL. SQL's integers are signed: larger values are clamped.
    @discardableResult package func bind(_ position: Int32, _ value: UInt64?) -> Self {
        bind(position, value.map { Int64(clamping: $0) })
    }

    /// Binds text or NULL.
    @discardableResult package func bind(_ position: Int32, _ value: String?) -> Self {
        guard var value else {
            bindNull(position)
            return self
        }
        value.withUTF8 { bindText(position, $0) }
        return self
    }

    /// Binds bytes or NULL.
    @discardableResult package func bind(_ position: Int32, blob value: [UInt8]?) -> Self {
        if let value { value.withUnsafeBytes { bindBlob(position, $0) } } else { bindNull(position) }
        return self
    }

    /// Binds values from position 1 on.
    @discardableResult package func bind(_ values: [SQLValue]) -> Self {
        for (index, value) in values.enumerated() {
            let position = Int32(truncatingIfNeeded: index + 1)
            switch value {
            case .integer(let number): bindInteger(position, number)
            case .text(let text): bind(position, text)
            }
        }
        return self
    }

    // MARK: Reading

    /// A column as a number without sign; negative numbers become 0.
    package func unsigned(_ column: Int32) -> UInt64 { UInt64(clamping: integer(column)) }

    /// A column as text; empty for NULL.
    package func text(_ column: Int32) -> String { textOrNil(column) ?? "" }

    /// A column's bytes; empty for NULL.
    package func blob(_ column: Int32) -> [UInt8] { Array(bytes(column)) }

    /// A column's bytes; nil for NULL.
    package func blobOrNil(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }
}
