import HTTPTypes
import Text

/// Where a list goes on.
enum PageCursor: Equatable, Sendable {
    /// After so many items.
    case offset(Int)
    /// Among the running sessions, after so many of them.
    case running(Int)
    /// Among the ended sessions: those that ended at this time (ms since 1970) or before, after so many of that time.
    case ended(at: Int64, skip: Int)

    /// The pattern of a cursor that counts items.
    static let offsetPattern = "^o[0-9]{1,9}$"
    /// The pattern of a cursor of sessions.
    static let sessionPattern = "^(r[0-9]{1,9}|e-?[0-9]{1,15}\\.[0-9]{1,9})$"
    /// The first of the ended sessions.
    static let firstEnded = PageCursor.ended(at: 999_999_999_999_999, skip: 0)

    /// Reads a cursor's text.
    ///
    /// - Throws: ``ServerFailure`` with status 400.
    init(_ text: String) throws {
        let rest = text.dropFirst()
        let numbers = rest.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        switch (text.first, numbers.count, numbers.first ?? nil, numbers.last ?? nil) {
        case ("o", 1, let count?, _) where count >= 0: self = .offset(Int(clamping: min(count, 999_999_999)))
        case ("r", 1, let count?, _) where count >= 0: self = .running(Int(clamping: min(count, 999_999_999)))
        case ("e", 2, let at?, let skip?) where skip >= 0 && at.magnitude < 1_000_000_000_000_000:
            self = .ended(at: at, skip: Int(clamping: min(skip, 999_999_999)))
        default:
            throw ServerFailure(
                .badRequest, "bad_cursor", "the cursor is not valid", hint: "use `next` of the page before")
        }
    }

    /// Its text.
    var text: String {
        switch self {
        case .offset(let count): "o\(count)"
        case .running(let count): "r\(count)"
        case .ended(let at, let skip): "e\(at).\(skip)"
        }
    }

    /// The number of items before the page, in a list that counts them.
    static func offset(_ text: String?) throws -> Int {
        guard let text else { return 0 }
        guard case .offset(let count) = try PageCursor(text) else {
            throw ServerFailure(.badRequest, "bad_cursor", "the cursor is one of another list")
        }
        return count
    }
}

/// Thrown to end a list that is passed to a closure.
struct PageEnd: Error {}

extension Array {
    /// The page of a whole list that a query asks for, and the cursor of the next one.
    func page(_ query: SelectionQuery) throws -> (items: ArraySlice<Element>, next: String?) {
        let start = Swift.min(try PageCursor.offset(query.cursor), count)
        let end = Swift.min(start + query.limit, count)
        return (self[start..<end], end < count ? PageCursor.offset(end).text : nil)
    }
}
