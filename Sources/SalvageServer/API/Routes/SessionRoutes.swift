import Catalog
import HTTPTypes
import Hummingbird
import JSON
import Model
import SalvageConfiguration
import Store
import Text

extension APIRoutes {
    /// The operations about sessions.
    static let sessions: [APIRoute] = [
        APIRoute(
            .get, "/sessions", "sessions",
            "The selected sessions: running ones first, then the others, the latest end first.",
            [
                .query(
                    "state",
                    .list(
                        .word(
                            SessionState.allCases.map(\.rawValue) + SignatureState.allCases.map(\.rawValue))),
                    "only sessions in one of these states, or with a crash whose signature is in one")
            ]
                + filters(
                    ["since", "until", "image", "tag", "location", "label", "signature", "crashed", "session"],
                    cursor: SelectionQuery.cursorPattern), returns: [.page(of: "Session", "The sessions.")]
        ) { call in
            let query = try call.selection()
            let place = try query.place()
            let page = try await call.store.read {
                try $0.sessionPage(query.selection, after: place, limit: query.limit)
            }
            return call.page(page.rows.map { Shapes.session.line($0).utf8 }, next: page.next?.text)
        },
        APIRoute(
            .get, "/sessions/{id}", "session", "What happened to one session.",
            returns: [.object("SessionReport", "The session with its artifacts, crashes and the end of its log.")]
        ) { call in
            let (id, now) = (call.id, call.now)
            let report = try await call.store.read { try $0.report(on: id, logLines: 20, now: now) }
            return call.json(Shapes.sessionReport.line(report))
        },
        APIRoute(
            .get, "/sessions/{id}/ledger", "ledger",
            "What was requested and collected for a session, and why not more.",
            returns: [.object("Ledger", "The state, the artifacts and the requests.")]
        ) { call in
            let (id, now) = (call.id, call.now)
            let explanation = try await call.store.read { try $0.explanation(of: id, now: now) }
            return call.json(APIShapes.ledger.line(explanation))
        },
        APIRoute(
            .get, "/sessions/{id}/log", "log", "The log of a session, or a part of it.",
            [
                .query("around", .name, "only lines around this crash: its id, a prefix of it, or `last`"),
                .query("within", .span, "the span before and after the crash (30s)"),
                .query("from", .time, "only lines since this time"),
                .query("to", .time, "only lines before this time"),
                .query("path", .list(.name), "the members instead of the log: paths or globs"),
                .query("limit", .integer(1...1_000_000), "at most this many lines of each member"),
            ], returns: [.bytes("text/plain", "The bytes of the lines, in whatever encoding they were written.")]
        ) { call in try await log(call) },
        APIRoute(
            .get, "/sessions/{id}/bundle", "bundle",
            "All that is stored of a session, as an archive that `salvage ingest` takes.",
            returns: [.bytes("application/gzip", "A tar archive, compressed.")], failures: [.noSpace]
        ) { call in try await bundle(call) },
    ]

    private static func log(_ call: APICall) async throws -> Response {
        var window = LogWindow()
        window.around = try call.items.one("around")
        if let within = try call.span("within") { (window.before, window.after) = (within, within) }
        window.since = try SelectionQuery.instant(call.items.one("from"), "from", call.now)
        window.until = try SelectionQuery.instant(call.items.one("to"), "to", call.now)
        window.paths = call.items.all("path")
        window.limit = try call.items.number("limit", in: 1...1_000_000)
        let id = call.id
        let record = try await call.store.read { try $0.session(named: id) }
        let headers: HTTPFields = [
            .contentType: "text/plain; charset=utf-8",
            .contentDisposition: SecurityHeaders.attachment("\(record.session).log"),
        ]
        guard !call.isHead else { return Response(status: .ok, headers: headers) }
        let place = try call.services.streams.enter()
        let pool: @Sendable (@escaping @Sendable (Store) throws -> Void) async throws -> Void = {
            try await call.store.stream($0)
        }
        let body = try await call.piped(place, on: pool) { [window] store, pipe in
            let (_, problems) = try window.write(
                record, in: store, into: PipeOutput(pipe), isCancelled: { pipe.isAbandoned })
            if let problem = problems.first {
                throw ServerFailure(.internalServerError, "not_read", problem, session: record.session)
            }
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private static func bundle(_ call: APICall) async throws -> Response {
        let id = call.id
        let record = try await call.store.read { try $0.session(named: id) }
        let headers: HTTPFields = [
            .contentType: "application/gzip",
            .contentDisposition: SecurityHeaders.attachment("\(record.session).tar.gz"),
        ]
        guard !call.isHead else { return Response(status: .ok, headers: headers) }
        let place = try call.services.transfers.enter()
        let make = call.services.bundle
        let reserve = try call.services.configuration().limits.reserve
        let file = try await call.store.stream { store in
            let folder = try TransferFolder(in: store.path, "bundle")
            try folder.requireRoom(record.packBytes, reserve: reserve)
            try make(store, [record.session], folder.path + "/session.tar.gz")
            return try TransferFile(folder, "session.tar.gz")
        }
        let store = call.store
        return Response(
            status: .ok, headers: headers,
            body: call.streamed(length: Int(clamping: file.size)) { writer in
                while let piece = try await store.stream({ _ in try file.next() }) { try await writer.write(piece) }
                withExtendedLifetime(place) {}
            })
    }
}
