import Calendar
import JSON
import Model

/// Reads a line of the journal; `Shapes.decision` writes it.
enum DecisionLine {
    /// Why a line is not a decision.
    struct Unreadable: Error {
        /// Words that can follow "the line".
        let why: String
    }

    /// Reads one line, without its newline.
    static func read(_ bytes: some Sequence<UInt8>) throws(Unreadable) -> Decision {
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch {
            throw Unreadable(why: "is not a JSON object")
        }
        guard let signature = value["signature"]?.string, !signature.isEmpty else {
            throw Unreadable(why: "names no signature")
        }
        guard let time = value["time"]?.string.flatMap({ ISO8601.milliseconds($0) }) else {
            throw Unreadable(why: "has no time")
        }
        return Decision(
            signature: signature, time: time, author: value["author"]?.string ?? "unknown",
            action: try action(value), ticket: value["ticket"]?.string, note: value["note"]?.string)
    }

    private static func action(_ value: JSONValue) throws(Unreadable) -> Decision.Action {
        switch value["action"]?.string {
        case "resolve": return .resolve(fixedIn: value["fixed_in"]?.string)
        case "ignore":
            return .ignore(
                until: value["until"]?.string.flatMap { ISO8601.milliseconds($0) },
                crashes: value["crashes"]?.int64.map { Int(clamping: $0) })
        case "reopen": return .reopen
        case "assign": return .assign(owner: value["owner"]?.string)
        case "merge":
            guard let into = value["into"]?.string, !into.isEmpty else {
                throw Unreadable(why: "merges a signature into nothing")
            }
            return .merge(into: into)
        case "unmerge": return .unmerge
        case "note": return .note
        default: throw Unreadable(why: "has an action that this version does not know")
        }
    }
}
