import HTTPTypes
import Hummingbird
import JSON
import LogSearch
import Model
import NIOCore
import Store

extension APIRoutes {
    private static let flags: [(name: String, help: String)] = [
        ("F", "treat the patterns as literal text"), ("i", "ignore case"),
        ("S", "ignore case unless a pattern has an uppercase letter"), ("w", "match whole words"),
        ("x", "match whole lines"), ("v", "select lines that do not match"), ("U", "let a match span lines"),
        ("a", "search all files as if they were text"),
    ]
    private static let most = 1_000_000
    /// The most lines that are sorted by time, all of which are kept until the search ends.
    private static let mostSorted = 100_000

    /// The search.
    static let grep = APIRoute(
        .get, "/grep", "grep",
        "Searches the logs of the selected sessions, as `salvage grep --json` does. The search ends when the client goes.",
        [.query("q", .list(.text), "a pattern; a line matches if any of them does", isRequired: true)]
            + flags.map { .query($0.name, .boolean, $0.help) } + [
                .query("context", .integer(0...1000), "lines before and after each match"),
                .query("before", .integer(0...1000), "lines before each match"),
                .query("after", .integer(0...1000), "lines after each match"),
                .query("max_count", .integer(1...most), "at most this many lines of each file"),
                .query("per_session", .integer(1...most), "at most this many lines of each session"),
                .query("path", .list(.name), "only files whose path matches one of these globs"),
                .query(
                    "limit", .integer(1...most),
                    "at most this many lines; of lines sorted by time, the first ones (100000)"),
                .query(
                    "sort", .word(["time", "time_reversed"]),
                    "the lines of all sessions by their own time, which each then has as `time`; nothing is sent before "
                        + "the search ends"),
                .query(
                    "state",
                    .list(.word(SessionState.allCases.map(\.rawValue) + SignatureState.allCases.map(\.rawValue))),
                    "only sessions in one of these states, or with a crash whose signature is in one"),
            ]
            + filters(
                ["since", "until", "image", "tag", "location", "label", "signature", "crashed", "session"], cursor: nil),
        returns: [
            .bytes(
                "application/x-ndjson",
                "ripgrep's messages `begin`, `match`, `context`, `end` and `summary`, one a line; then one error object "
                    + "for each file that could not be searched.")
        ]
    ) { call in
        let run = try search(call)
        let headers: HTTPFields = [.contentType: "application/x-ndjson"]
        guard !call.isHead else { return Response(status: .ok, headers: headers) }
        let place = try call.services.searches.enter()
        let pool: @Sendable (@escaping @Sendable (Store) throws -> Void) async throws -> Void = {
            try await call.store.search($0)
        }
        let body = try await call.piped(place, on: pool) { store, pipe in
            for problem in try run.write(store, to: pipe) {
                let failure = ServerFailure(.internalServerError, "not_searched", problem)
                let line = ServerFailure.shape.line(failure).utf8 + [0x0A]
                guard line.withUnsafeBytes({ pipe.write($0) }) else { return }
            }
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private static func search(_ call: APICall) throws -> SearchRun {
        let items = call.items
        var patterns = PatternOptions(items.pairs.filter { $0.name == "q" }.map(\.value))
        guard !patterns.patterns.isEmpty else {
            throw ServerFailure(.badRequest, "no_pattern", "'q' is missing", hint: "grep?q=Fatal%20error")
        }
        patterns.fixed = try items.flag("F")
        patterns.ignoreCase = try items.flag("i")
        patterns.smartCase = try items.flag("S")
        patterns.word = try items.flag("w")
        patterns.line = try items.flag("x")
        patterns.multiline = try items.flag("U")
        var options = SearchOptions()
        options.invert = try items.flag("v")
        options.asText = try items.flag("a")
        let context = try items.number("context", in: 0...1000) ?? 0
        options.before = try items.number("before", in: 0...1000) ?? context
        options.after = try items.number("after", in: 0...1000) ?? context
        options.maxCount = try items.number("max_count", in: 1...most)
        options.perSession = try items.number("per_session", in: 1...most)
        options.limit = try items.number("limit", in: 1...most)
        var sorting = SearchSorting()
        if let order = try call.word("sort", ["time", "time_reversed"]) {
            sorting = SearchSorting(.time, isReversed: order == "time_reversed")
            options.limit = min(options.limit ?? mostSorted, mostSorted)
        }
        options.paths = items.all("path")
        options.mergesCopies = true
        // `limit` counts lines here.
        var query = try SelectionQuery(
            QueryItems(pairs: items.pairs.filter { $0.name != "limit" }), now: call.now)
        let (low, high) = (query.selection.since, query.selection.until)
        if low != nil || high != nil {
            let last = high.map { $0 == .min ? .min : $0 - 1 } ?? .max
            options.window = (low ?? .min) <= last ? (low ?? .min)...last : Int64.min...Int64.min
        }
        // A session that ended later may hold earlier lines.
        query.selection.until = nil
        do throws(LogSearchError) {
            return SearchRun(
                pattern: try SearchPattern(patterns), options: options, selection: query.selection,
                sorting: sorting)
        } catch {
            let place = error.offset.map { ", at byte \($0)" } ?? ""
            throw ServerFailure(
                .badRequest, error.code.rawValue, error.message + place,
                hint: error.hint ?? "F=1 searches for literal text")
        }
    }
}
