/// Where a page of a list ended: the next page begins after it, whatever was added meanwhile.
public struct PageCursor: Sendable, Equatable {
    /// Whether the page ended among the running sessions, which come first; false for crashes.
    let isRunning: Bool
    /// The sort key of the last row: the end of a session, the time of a crash (ms since 1970).
    let at: Int64
    /// Its key, unique among rows of the same time.
    let key: Int64

    init(isRunning: Bool = false, at: Int64, key: Int64) {
        self.isRunning = isRunning
        self.at = at
        self.key = key
    }

    /// The cursor as text for an address: letters, digits, dots and dashes.
    public var text: String { "\(isRunning ? "r" : "e")\(at).\(key)" }

    /// Reads what ``text`` gave; nil for anything else.
    public init?(_ text: String) {
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard let kind = text.utf8.first, parts.count == 2, let at = Int64(parts[0]), let key = Int64(parts[1]) else {
            return nil
        }
        switch kind {
        case UInt8(ascii: "r"): self.init(isRunning: true, at: at, key: key)
        case UInt8(ascii: "e"): self.init(at: at, key: key)
        default: return nil
        }
    }

    /// Adds the condition that a row of the table comes after this one in a list with the newest first.
    func add(to filter: inout Filter, table: String) {
        // The first comparison is a range of the index; an OR alone would read it from its end.
        filter.add(
            "\(table).at <= ? AND (\(table).at < ? OR \(table).key < ?)", [.integer(at), .integer(at), .integer(key)])
    }
}

/// A part of a long list.
public struct Page<Row: Sendable>: Sendable {
    /// The rows.
    public let rows: [Row]
    /// Where the next page begins; nil at the end of the list.
    public let next: PageCursor?

    /// Creates a page.
    public init(rows: [Row], next: PageCursor?) {
        self.rows = rows
        self.next = next
    }

    /// The same page of other rows.
    public func map<Other: Sendable>(_ transform: (Row) -> Other) -> Page<Other> {
        Page<Other>(rows: rows.map(transform), next: next)
    }
}
