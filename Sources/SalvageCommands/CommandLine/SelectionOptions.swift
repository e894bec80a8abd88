import Calendar
import Catalog
import Model
import Terminal
import Text

/// The flags that choose sessions, the same for every query.
struct SelectionOptions {
    var session: [String] = []
    var image: [String] = []
    var tag: [String] = []
    var location: [String] = []
    var label: [String] = []
    var signature: [String] = []
    var state: [StateFlag] = []
    var since: String?
    var until: String?
    var crashed = false
    var limit: Int?

    /// Whether any flag narrows the selection.
    var isNarrow: Bool {
        !(session.isEmpty && image.isEmpty && tag.isEmpty && location.isEmpty && label.isEmpty && signature.isEmpty
            && state.isEmpty) || since != nil || until != nil || crashed || limit != nil
    }

    /// Parses a time flag to milliseconds since 1970 UTC; a time without a zone is local, or UTC with `--utc`. Throws a
    /// usage error that says how times are written.
    static func instant(_ text: String?, flag: String, now: Int64 = TimeText.now()) throws -> Int64? {
        guard let text else { return nil }
        guard let instant = TimeText.parse(text, now: now, zone: DisplayZone.rules) else {
            throw Failure(
                "bad_time", "invalid value '\(text)' for \(flag)", hint: "write \(TimeExpression.forms)",
                status: .usage)
        }
        return instant
    }

    /// Splits labels into key and value. Throws a usage error for one that is not `key=value`.
    static func pairs(_ labels: [String]) throws -> [(key: String, value: String)] {
        try labels.map { text in
            guard let split = text.firstIndex(of: "="), split != text.startIndex else {
                throw Failure(
                    "bad_label", "invalid value '\(text)' for --label", hint: "write --label mode=duel",
                    status: .usage)
            }
            return (String(text[..<split]), String(text[text.index(after: split)...]))
        }
    }

    /// Splits labels to be set. Throws a usage error for two values of one key: a session keeps only one.
    static func distinctPairs(_ labels: [String]) throws -> ByteDictionary<String> {
        var distinct: ByteDictionary<String> = [:]
        for (key, value) in try pairs(labels) {
            if let other = distinct[key], !other.hasSameBytes(as: value) {
                throw Failure(
                    "bad_label", "--label gives '\(key)' twice: '\(other)' and '\(value)'", hint: "keep one of the two",
                    status: .usage)
            }
            distinct[key] = value
        }
        return distinct
    }

    /// Returns the selection for the catalog. Throws a usage error for a flag that cannot be parsed.
    func selection(now: Int64 = TimeText.now()) throws -> Selection {
        if let limit, limit < 0 {
            throw Failure("bad_limit", "--limit must not be negative", status: .usage)
        }
        var selection = Selection(
            sessions: session, images: image, tags: tag, locations: location,
            labels: try Self.pairs(label).map { Selection.LabelMatch(key: $0.key, value: $0.value) },
            since: try Self.instant(since, flag: "--since", now: now),
            until: try Self.instant(until, flag: "--until", now: now), crashed: crashed, signatures: signature,
            states: state.compactMap(\.session), limit: limit)
        selection.signatureStates = state.compactMap(\.signature)
        return selection
    }
}

/// The values of `--state`: states of a session in the ledger, and states of a signature.
enum StateFlag: String, CaseIterable {
    case running, pending, harvested, partial, skipped, lost
    case new, open, fixed, returned, ignored

    /// The session's state; nil if it is one of a signature.
    var session: SessionState? { SessionState(rawValue: rawValue) }

    /// The signature's state; nil if it is one of a session.
    var signature: SignatureState? { SignatureState(rawValue: rawValue) }
}

extension SelectionOptions {
    static var flags: [CommandFlag<Self>] {
        let all: [CommandFlag<Self>] = [
            .texts(
                "session", value: "id",
                "Only this session; a unique prefix of its id is enough (`harvest` without --again: one full id). May "
                    + "be repeated."
            ) { $0.session.append($1) },
            .texts("image", value: "glob", glob("image")) { $0.image.append($1) },
            .texts("tag", value: "glob", glob("tag (build)")) { $0.tag.append($1) },
            .texts("location", value: "glob", glob("location")) { $0.location.append($1) },
            .texts(
                "label", value: "key=value",
                "Only sessions with this label; the value is a glob. May be repeated: values of one key are alternatives, "
                    + "different keys must all match."
            ) { $0.label.append($1) },
            .texts(
                "signature", value: "text",
                "Only crashes with this signature (its text, its id or a glob), and only sessions that have such a crash. "
                    + "May be repeated; any may match."
            ) { $0.signature.append($1) },
            .choice(
                "state", value: "state",
                "Only sessions in this state of the ledger; for a state of signatures, only crashes whose signature has "
                    + "it, and sessions with such a crash. May be repeated; any state of a kind may match.",
                occurrence: .collects
            ) { $0.state.append($1) },
            .text(
                "since", value: "time",
                "Only sessions that ended (if running: began) since this time: 02:45, 'yesterday 22:00', 'last week', "
                    + "2026-11-29, 2h. `grep` selects lines and `crashes` selects crashes, by their own time."
            ) { $0.since = $1 },
            .text(
                "until", value: "time",
                "Only sessions that ended (if running: began) before this time; in `grep` and `crashes` as for --since."
            ) { $0.until = $1 },
            .toggle("crashed", nil, "Only sessions that crashed.") { $0.crashed = true },
            .number(
                "limit", value: "count",
                "At most this many sessions, or of what the command lists instead: crashes, signatures, build ids, "
                    + "lines."
            ) { $0.limit = $1 },
        ]
        return all.under("Selection")
    }

    private static func glob(_ what: String) -> String {
        "Only sessions whose \(what) matches this glob. May be repeated; any may match."
    }
}
