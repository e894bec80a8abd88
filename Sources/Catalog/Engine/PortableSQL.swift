/// A list in pieces, for statements that take several values at once.
struct Pages<Element>: Sequence, IteratorProtocol {
    private var rest: ArraySlice<Element>
    private let size: Int

    init(_ elements: [Element], size: Int) {
        rest = elements[...]
        self.size = Swift.max(1, size)
    }

    mutating func next() -> ArraySlice<Element>? {
        guard !rest.isEmpty else { return nil }
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size)
    }
}

/// SQL that every engine understands in place of constructs that only one has.
package enum PortableSQL {
    /// The sum of a column, 0 without rows.
    ///
    /// Summed as floating-point numbers, which are exact up to 2^53 (9 PB): sizes come from outside, and one absurd row must
    /// not make every total fail with an overflow.
    package static func sum(_ column: String) -> String { "coalesce(sum(CAST(\(column) AS double precision)), 0)" }

    /// Number of placeholders in ``placeholders(_:)`` that one query may have: SQLite allows 32,766, PostgreSQL 65,535.
    package static let pageSize = 256

    /// `?,?,…`: a list for `IN`.
    package static func placeholders(_ count: Int) -> String {
        [String](repeating: "?", count: max(1, count)).joined(separator: ",")
    }

    /// The condition that a text column starts with a prefix, for columns that sort by their bytes. It needs no `LIKE`, whose
    /// rules for case and wildcards differ, and uses the column's index.
    package static func prefix(_ column: String, _ prefix: String) -> (sql: String, values: [SQLValue]) {
        guard let end = end(ofPrefix: prefix) else { return ("\(column) >= ?", [.text(prefix)]) }
        return ("(\(column) >= ? AND \(column) < ?)", [.text(prefix), .text(end)])
    }

    /// The first text in byte order after every text with this prefix; nil when there is none.
    package static func end(ofPrefix prefix: String) -> String? {
        // UTF-8 sorts as its scalars do, so the last one that can be raised is.
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            // U+D800 to U+DFFF are not scalars.
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            if let raised = Unicode.Scalar(next) {
                return scalars.reduce(into: "") { $0.unicodeScalars.append($1) } + String(Character(raised))
            }
        }
        return nil
    }
}
