import HTTPTypes
import Model

/// The filters of an address, the same for the API and the pages: `since until image tag location label signature state
/// crashed session limit cursor`. A name that is repeated means either.
struct SelectionQuery: Sendable {
    /// The names that it reads.
    static let names = [
        "since", "until", "image", "tag", "location", "label", "signature", "state", "crashed", "session", "limit",
        "cursor",
    ]
    /// The longest page of a list.
    static let longestPage = 1000

    /// What they select; without a limit.
    var selection: Selection
    /// How many items to return.
    var limit: Int
    /// Where the list goes on.
    var cursor: String?
    /// `since` and `until` as they were written, for links.
    var written: (since: String?, until: String?)

    /// Reads the filters; other names are ignored.
    ///
    /// - Parameters:
    ///   - items: the query.
    ///   - now: the time to which `2h` and `yesterday` refer.
    ///   - limit: how many items to return unless the query says it.
    /// - Throws: ``ServerFailure`` with status 400 for a value that cannot be read.
    init(_ items: QueryItems, now: Int64, limit: Int = 100) throws {
        written = (try items.one("since"), try items.one("until"))
        selection = Selection(
            sessions: items.all("session"), images: items.all("image"), tags: items.all("tag"),
            locations: items.all("location"), labels: try items.all("label").map(Self.label),
            since: try Self.instant(written.since, "since", now), until: try Self.instant(written.until, "until", now),
            crashed: try items.flag("crashed"), signatures: items.all("signature"))
        for word in items.all("state").flatMap({ $0.split(separator: ",").map(String.init) }) {
            if let state = SignatureState(rawValue: word) {
                selection.signatureStates.append(state)
            } else if let state = SessionState(rawValue: word) {
                selection.states.append(state)
            } else {
                throw ServerFailure(
                    .badRequest, "bad_state", "invalid value '\(word)' for 'state'",
                    hint: "one of: "
                        + (SignatureState.allCases.map(\.rawValue) + SessionState.allCases.map(\.rawValue))
                        .joined(separator: ", "))
            }
        }
        self.limit = try items.number("limit", in: 1...Self.longestPage) ?? limit
        cursor = try items.one("cursor")?.trimmed
    }

    /// Reads a time as the command line does.
    static func instant(_ text: String?, _ name: String, _ now: Int64) throws -> Int64? {
        guard let text else { return nil }
        guard let instant = RequestTime.past(text, now: now) else {
            throw ServerFailure(
                .badRequest, "bad_time", "invalid value '\(text)' for '\(name)'",
                hint: "write a span like 90m, 2h or 7d, or an instant like 2026-11-20T21:00Z, or 'yesterday'")
        }
        return instant
    }

    private static func label(_ text: String) throws -> Selection.LabelMatch {
        guard let match = Selection.LabelMatch(parsing: text) else {
            throw ServerFailure(
                .badRequest, "bad_label", "invalid value '\(text)' for 'label'", hint: "write label=mode=duel")
        }
        return match
    }
}
