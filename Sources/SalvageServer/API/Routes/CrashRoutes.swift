import Catalog
import Hummingbird
import JSON
import Model
import Store

extension APIRoutes {
    /// The operations about crashes.
    static let crashes: [APIRoute] = [
        APIRoute(
            .get, "/crashes", "crashes",
            "The selected crashes, newest first, but for those in the logs of running sessions.",
            [
                .query(
                    "state", .list(.word(SignatureState.allCases.map(\.rawValue))),
                    "only crashes whose signature is in one of these states")
            ] + filters(crashFilterNames, cursor: SelectionQuery.cursorPattern),
            returns: [.page(of: "Crash", "The crashes, without the stacks of other threads.")]
        ) { call in
            let query = try call.selection()
            let place = try query.place()
            let page = try await call.store.read {
                try $0.crashPage(query.selection, after: place, limit: query.limit)
            }
            return call.page(page.rows.map(\.json), next: page.next?.text)
        },
        APIRoute(
            .get, "/crashes/{id}", "crash", "One crash in full, by its id or a unique prefix of it.",
            returns: [.object("Crash", "The crash.")]
        ) { call in
            let id = call.id
            let json = try await call.store.read { store in
                let found = try store.crashes(named: id)
                guard let crash = found.first else {
                    throw StoreError(.crashNotFound, "no crash has the id '\(id)'", kind: .notFound)
                }
                guard found.count == 1 else {
                    throw StoreError(
                        .ambiguousCrash, "'\(id)' means \(found.count) crashes",
                        hint: "use the id of one crash: /api/v1/crashes?session=… lists them", kind: .invalid)
                }
                return try store.report(on: crash).json
            }
            return call.json(json)
        },
    ]
}
