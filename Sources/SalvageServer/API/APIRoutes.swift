/// All operations of the API.
enum APIRoutes {
    static let all: [APIRoute] =
        store + signatures + decisions + builds + crashes + sessions + files + [grep] + symbols + [events]

    /// The filters that most lists take; `cursor` is the pattern of their cursor.
    static func filters(
        _ names: [String] = ["since", "until", "image", "tag", "location", "label", "crashed", "session"],
        cursor: String? = OffsetCursor.pattern
    ) -> [APIParameter] {
        var all = filterParameters.filter { names.contains($0.name) }
        if let cursor {
            all.append(.query("limit", .integer(1...SelectionQuery.longestPage), "how many items to return (100)"))
            all.append(.query("cursor", .text(matching: cursor), "`next` of the page before"))
        }
        return all
    }

    private static let filterParameters: [APIParameter] = [
        .query("since", .time, "only since this time: `2h`, `yesterday`, `2026-11-20T21:00Z`"),
        .query("until", .time, "only before this time"),
        .query("image", .list(.name), "only images that match one of these globs"),
        .query("tag", .list(.name), "only tags that match one of these globs"),
        .query("location", .list(.name), "only locations that match one of these globs"),
        .query(
            "label", .list(.text(matching: "^[^=]")),
            "only sessions with this label: `mode=duel`; the value is a glob"),
        .query(
            "signature", .list(.name), "only crashes whose signature is one of these, or matches one of these globs"),
        .query("crashed", .boolean, "only sessions that crashed"),
        .query("session", .list(.name), "only sessions with one of these ids, or the only ones that begin with them"),
    ]
}
