import Bytes
import Catalog
import Digest
import HTTPTypes

/// The cursor of a list that is made as a whole: how many items come before the page, and which one is the last of them. The
/// next page begins after that item wherever it is by then, so that what is added does not move the pages.
enum OffsetCursor {
    /// The pattern of its text.
    static let pattern = "^o[0-9]{1,9}(\\.[0-9a-f]{12})?$"

    /// The number of items before the page, and the mark of the last of them.
    ///
    /// - Throws: ``ServerFailure`` with status 400 for an invalid cursor.
    static func place(_ text: String?) throws -> (count: Int, mark: String?) {
        guard let text else { return (0, nil) }
        let parts = text.utf8.dropFirst().split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false
        ).map { String(Substring($0)) }
        guard text.hasPrefix("o"), let first = parts.first, first.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int(first), (0...999_999_999).contains(count),
            parts.count == 1 || parts[1].utf8.count == 12 && Hex.bytes(parts[1]) != nil
        else {
            throw ServerFailure(
                .badRequest, "bad_cursor", "the cursor is not valid", hint: "use `next` of the page before")
        }
        return (count, parts.count == 1 ? nil : parts[1])
    }

    /// The mark of an item: a part of the hash of what names it.
    static func mark(_ name: String) -> String { Hex.text(SHA256.digest(name.utf8).prefix(6)) }
}

extension Array {
    /// The page of a whole list that a query asks for, and the cursor of the next one.
    ///
    /// - Parameter name: what names an item in the list.
    func page(
        _ query: SelectionQuery, by name: (Element) -> String
    ) throws -> (items: ArraySlice<Element>, next: String?) {
        let (before, mark) = try OffsetCursor.place(query.cursor)
        var start = Swift.min(before, count)
        // Most often it is where it was. If it is not there any more, its place counts.
        if let mark, start == 0 || OffsetCursor.mark(name(self[start - 1])) != mark {
            start = firstIndex { OffsetCursor.mark(name($0)) == mark }.map { $0 + 1 } ?? start
        }
        let end = Swift.min(start + query.limit, count)
        guard end < count else { return (self[start..<end], nil) }
        return (self[start..<end], "o\(end).\(OffsetCursor.mark(name(self[end - 1])))")
    }
}

extension SelectionQuery {
    /// The pattern of a cursor of sessions or crashes.
    static let cursorPattern = "^[re]-?[0-9]{1,15}\\.[0-9]{1,15}$"

    /// Where a list of sessions or crashes goes on.
    ///
    /// - Throws: ``ServerFailure`` with status 400 for an invalid cursor.
    func place() throws -> PageCursor? {
        guard let cursor else { return nil }
        guard let place = PageCursor(cursor) else {
            throw ServerFailure(
                .badRequest, "bad_cursor", "the cursor is not valid", hint: "use `next` of the page before")
        }
        return place
    }
}

/// Thrown to end a list that is passed to a closure.
struct ListEnd: Error {}
