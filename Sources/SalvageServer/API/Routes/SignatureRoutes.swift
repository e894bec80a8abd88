import Catalog
import Hummingbird
import JSON
import Model
import Printers
import Store
import Text

extension APIRoutes {
    /// The names of the filters of crashes.
    static let crashFilterNames = ["since", "until", "image", "tag", "location", "label", "signature", "session"]
    /// The filters of crashes.
    static let crashFilters = filters(crashFilterNames)

    /// The operations that read signatures.
    static let signatures: [APIRoute] = [
        APIRoute(
            .get, "/signatures", "signatures", "The signatures of the selected crashes.",
            [
                .query(
                    "state", .list(.word(SignatureState.allCases.map(\.rawValue))), "only signatures in these states"),
                .query("sort", .word(SignatureOrder.allCases.map(\.rawValue)), "the order (count)"),
            ] + crashFilters, returns: [.page(of: "Signature", "The signatures.")]
        ) { call in
            let query = try call.selection()
            let order =
                try call.word("sort", SignatureOrder.allCases.map(\.rawValue)).flatMap { SignatureOrder(rawValue: $0) }
                ?? .count
            let now = call.now
            let found = try await call.store.read { try $0.signatures(query.selection, now: now) }
            let states = query.selection.signatureStates
            let chosen = found.filter { states.isEmpty || states.contains($0.state) }
            let (items, next) = try order.sorted(chosen).page(query) { $0.signature }
            return call.page(items.map { Shapes.signature.line($0).utf8 }, next: next)
        },
        APIRoute(
            .get, "/signatures/{id}", "signature", "One signature, by its id, its text or a part of it, or a crash.",
            returns: [.object("Signature", "The signature.")]
        ) { call in
            let (id, now) = (call.id, call.now)
            return call.json(Shapes.signature.line(try await call.store.read { try $0.signature(named: id, now: now) }))
        },
        APIRoute(
            .get, "/signatures/{id}/crashes", "signature-crashes", "The crashes with a signature, newest first.",
            filters(
                ["since", "until", "image", "tag", "location", "label"], cursor: SelectionQuery.cursorPattern),
            returns: [.page(of: "Crash", "The crashes.")]
        ) { call in
            let query = try call.selection()
            let (id, now) = (call.id, call.now)
            let place = try query.place()
            let page = try await call.store.read { store in
                var selection = query.selection
                selection.signatures = try store.signature(named: id, now: now).texts
                return try store.crashPage(selection, after: place, limit: query.limit)
            }
            return call.page(page.rows.map(\.json), next: page.next?.text)
        },
        APIRoute(
            .get, "/signatures/{id}/series", "signature-series",
            "All sessions, and the crashes with a signature, by hour or day and by tag.",
            [
                .query("by", .word(SeriesUnit.allCases.map(\.rawValue)), "the length of each part (day)"),
                .query("group", .word(["tag"]), "one item for each tag; otherwise one for all"),
            ] + filters(["since", "until", "image", "tag", "location", "label"], cursor: nil),
            returns: [.page(of: "SeriesPoint", "The hours or days with sessions, in order.")]
        ) { call in
            let query = try call.selection()
            let unit = try call.unit(.day)
            let isByTag = try call.word("group", ["tag"]) != nil
            let (id, now) = (call.id, call.now)
            let points = try await call.store.read { store in
                var selection = query.selection
                selection.signatures = try store.signature(named: id, now: now).texts
                return try SessionSeries.make(store, selection, unit, isByTag: isByTag, now: now)
            }
            return call.page(points.map { Shapes.seriesPoint.line($0).utf8 }, next: nil)
        },
        APIRoute(
            .get, "/signatures/{id}/before", "signature-before",
            "The log lines before the newest crashes with a signature, one crash for each session.",
            [
                .query("within", .span, "how long before the crash (5s)"),
                .query("limit", .integer(1...20), "how many sessions (3)"),
            ], returns: [.page(of: "LinesBefore", "The lines.")]
        ) { call in
            let limit = try call.items.number("limit", in: 1...20) ?? 3
            let within = try call.span("within") ?? 5000
            let (id, now) = (call.id, call.now)
            let place = try call.services.searches.enter()
            let items = try await call.store.search { store in
                let signature = try store.signature(named: id, now: now)
                return try LinesBefore.find(store, signature.texts, within: within, sessions: limit)
            }
            withExtendedLifetime(place) {}
            return call.page(items.map { APIShapes.lines.line($0).utf8 }, next: nil)
        },
    ]
}

/// The order of a list of signatures.
enum SignatureOrder: String, CaseIterable, Sendable {
    case count, sessions, share
    case lastSeen = "last_seen"
    case firstSeen = "first_seen"

    func sorted(_ found: [SignatureOverview]) -> [SignatureOverview] {
        switch self {
        case .count: found
        case .sessions: found.sorted { $0.selected.sessions > $1.selected.sessions }
        case .share: found.sorted { ($0.share ?? 0) > ($1.share ?? 0) }
        case .lastSeen: found.sorted { $0.lastSeen > $1.lastSeen }
        case .firstSeen: found.sorted { $0.firstSeen > $1.firstSeen }
        }
    }
}

extension SignatureOverview {
    /// Its text and those of the signatures merged into it: together they select its crashes.
    var texts: [String] { [signature] + standing.merged }
}

extension LinesBefore {
    /// The most lines and bytes of one session.
    private static let most = (lines: 500, bytes: 256 << 10)

    /// The lines before the newest crash of each of the latest sessions.
    static func find(_ store: Store, _ signatures: [String], within: Int64, sessions: Int) throws -> [LinesBefore] {
        var crashes: [StoredCrash] = []
        var seen: ByteSet = []
        var selection = Selection(signatures: signatures)
        selection.limit = 1000
        do {
            try store.forEachCrash(selection) { crash in
                guard case .stored(let crash) = crash, seen.insert(crash.row.session).inserted else { return }
                crashes.append(crash)
                if crashes.count == sessions { throw ListEnd() }
            }
        } catch is ListEnd {}
        return try crashes.map { try read($0, store, within) }
    }

    private static func read(_ crash: StoredCrash, _ store: Store, _ within: Int64) throws -> LinesBefore {
        let row = crash.row
        var found = LinesBefore(
            session: row.session, crash: row.crash, time: row.time, tag: row.tag, location: row.location)
        var window = LogWindow(around: row.crash, before: within, after: 0)
        window.limit = most.lines
        do {
            let (output, problems) = try window.write(
                try store.session(named: row.session), in: store, into: BoundedOutput(most: most.bytes),
                isCancelled: { false })
            var lines = output.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            if lines.last?.isEmpty == true { lines.removeLast() }
            found.lines = lines.map { String(decoding: $0, as: UTF8.self) }
            found.problem = problems.first
        } catch {
            // A session without a log is one of the answers; a store that cannot be read is not.
            let failure = ServerFailure(error)
            guard failure.status == .notFound else { throw error }
            found.problem = failure.message
        }
        return found
    }
}

extension APICall {
    /// A span of the query, in milliseconds.
    func span(_ name: String) throws -> Int64? {
        guard let text = try items.one(name) else { return nil }
        guard let span = RequestTime.span(text) else {
            throw ServerFailure(
                .badRequest, "bad_\(name)", "invalid value '\(text)' for '\(name)'", hint: "write 5s, 2m or 1h")
        }
        return span
    }
}
