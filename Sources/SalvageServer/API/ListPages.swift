import Catalog
import HTTPTypes
import JSON

/// The cursor of a list that is made as a whole: how many items come before the page.
enum OffsetCursor {
    /// The pattern of its text.
    static let pattern = "^o[0-9]{1,9}$"

    /// The number of items before the page.
    ///
    /// - Throws: ``ServerFailure`` with status 400 for an invalid cursor.
    static func offset(_ text: String?) throws -> Int {
        guard let text else { return 0 }
        guard text.hasPrefix("o"), let count = Int(text.dropFirst()), (0...999_999_999).contains(count) else {
            throw ServerFailure(
                .badRequest, "bad_cursor", "the cursor is not valid", hint: "use `next` of the page before")
        }
        return count
    }

    /// The text for a number of items.
    static func text(_ count: Int) -> String { "o\(count)" }
}

extension Array {
    /// The page of a whole list that a query asks for, and the cursor of the next one.
    func page(_ query: SelectionQuery) throws -> (items: ArraySlice<Element>, next: String?) {
        let start = Swift.min(try OffsetCursor.offset(query.cursor), count)
        let end = Swift.min(start + query.limit, count)
        return (self[start..<end], end < count ? OffsetCursor.text(end) : nil)
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
