import HTTPTypes
import Model
import Terminal
import Text

/// Reads the forms with which people decide about a signature.
enum DecisionForm {
    /// The decision that a form makes.
    ///
    /// - Parameters:
    ///   - form: the form's fields; `action` says which of them count.
    ///   - signature: the signature's text.
    ///   - author: who sends it.
    ///   - target: finds the signature that a name means, for a merge.
    /// - Throws: ``ServerFailure`` with status 400 for a value that cannot be read, and what `target` throws.
    static func decision(
        _ form: QueryItems, signature: String, author: String, now: Int64, target: (String) throws -> String
    ) throws -> Decision {
        Decision(
            signature: signature, time: now, author: author, action: try action(form, now, target),
            ticket: try limited(form, "ticket", 500), note: try limited(form, "note", 2000))
    }

    private static func action(
        _ form: QueryItems, _ now: Int64, _ target: (String) throws -> String
    ) throws -> Decision.Action {
        switch try form.one("action") {
        case "resolve": return .resolve(fixedIn: try limited(form, "fixed_in", 200))
        case "ignore":
            return .ignore(
                until: try future(form.one("until"), now), crashes: try form.number("crashes", in: 1...999_999_999))
        case "reopen": return .reopen
        case "assign": return .assign(owner: try limited(form, "owner", 200))
        case "unmerge": return .unmerge
        case "merge":
            guard let name = try limited(form, "into", 1000) else {
                throw ServerFailure(.badRequest, "bad_into", "the form does not say which signature to merge into")
            }
            return .merge(into: try target(name))
        case "note":
            guard try form.one("note") != nil || form.one("ticket") != nil else {
                throw ServerFailure(.badRequest, "bad_note", "the form has neither a note nor a ticket")
            }
            return .note
        default:
            throw ServerFailure(.badRequest, "bad_action", "the form does not say what to do")
        }
    }

    /// A time to come: `2026-12-31`, or a span from now on such as `14d`.
    private static func future(_ text: String?, _ now: Int64) throws -> Int64? {
        guard let text else { return nil }
        let instant = TimeText.parseSpan(text).map { now &+ $0 } ?? TimeText.parse(text, now: now)
        guard let instant, instant > now else {
            throw ServerFailure(
                .badRequest, "bad_until", "'\(text)' is not a time to come",
                hint: "write a date like 2026-12-31 or a span like 14d")
        }
        return instant
    }

    private static func limited(_ form: QueryItems, _ name: String, _ most: Int) throws -> String? {
        let text = try form.one(name)
        guard (text?.utf8.count ?? 0) <= most * 4 else {
            throw ServerFailure(.badRequest, "bad_\(name)", "the value of '\(name)' is too long")
        }
        return text
    }
}
