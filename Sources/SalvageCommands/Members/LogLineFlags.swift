import Model
import Pack
import Store
import Text

/// The flags that select lines of the logs.
struct LogLineFlags {
    var pattern: String?
    var ignoreCase = false
    var context: Int?
    var path: [String] = []
    var around: String?
    var within: String?
    var lines: Int?
    var lineNumbers = false
    var since: String?
    var until: String?

    /// The span before and after a crash.
    static var defaultWithin: String { "30s" }

    static var flags: [CommandFlag<Self>] {
        [
            .text("grep", "g", value: "pattern", "Only lines that match this pattern.") { $0.pattern = $1 },
            .toggle("ignore-case", "i", "Ignore case.") { $0.ignoreCase = true },
            .number(
                "context", "C", value: "lines", "Lines to print before and after each match.", occurrence: .lastWins
            ) { $0.context = $1 },
            .toggle("line-number", "n", "Print line numbers.") { $0.lineNumbers = true },
            .texts("path", value: "glob", "Only members whose path matches this glob. May be repeated.") {
                $0.path.append($1)
            },
            .text(
                "around", value: "crash",
                "Only lines around a crash: its id, a prefix of it, 'last' or 'crash'. For several sessions, the lines "
                    + "before the latest crash of each: 'crash'."
            ) { $0.around = $1 },
            .text(
                "within", value: "span",
                "The span before and after the crash (default: \(defaultWithin)); for several sessions, before it."
            ) { $0.within = $1 },
            .number(
                "lines", value: "count", "For several sessions, at most this many lines before each crash.",
                occurrence: .lastWins
            ) { $0.lines = $1 },
            .text("since", value: "time", "Only lines since this time: an instant, a span ago, or start+5m.") {
                $0.since = $1
            },
            .text("until", value: "time", "Only lines before this time: an instant, a span ago, or start+5m.") {
                $0.until = $1
            },
        ]
    }

    /// The crash of one session that `around` names, as `Store.place` understands it.
    var crash: String? { around == "crash" ? "last" : around }

    /// Returns the text members of the `logs` artifact, else all logs; with globs, all text members that match.
    func chosen(_ pack: SessionPack) throws -> [Int] {
        let members = pack.reader.members
        let globs = path.map { Glob($0, separator: "/") }
        let paths = path.map { MemberPath(argument: $0) }
        if !globs.isEmpty {
            return members.indices.filter { index in
                pack.isText(index)
                    && (globs.contains { $0.matches(members[index].path) }
                        || paths.contains { $0.names(members[index].path) })
            }
        }
        return try pack.logMembers()
    }
}
