import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Store
import Text

/// The addresses of the pages.
struct PageRoutes: Sendable {
    let settings: ServerSettings
    let store: ServerStore

    /// Makes a page from the store and the address.
    private typealias Answer = @Sendable (Store, PageView, SelectionQuery) throws -> PageContent
    /// Makes a page from the store, the address and the id in its path.
    private typealias NamedAnswer = @Sendable (Store, PageView, String) throws -> PageContent

    /// Adds all of them.
    func add(to router: Router<ServerContext>) {
        addLists(router)
        addThings(router)
        addAssets(router)
        router.get("/sign-in") { request, context in
            let items = try QueryItems(request)
            let next = try items.one("next") ?? "/"
            return Pages.signIn(settings, failure: nil, next: next.hasBytePrefix("/") ? next : "/")
        }
    }

    private func addLists(_ router: Router<ServerContext>) {
        list(router, "/") { store, view, _ in NowPage.content(try NowPage.facts(store, now: view.now), view) }
        list(router, "/crashes") { CrashesPage.content(try CrashesPage.facts($0, $2, $1), $1) }
        list(router, "/builds") { BuildsPage.content(try BuildsPage.facts($0, $2, $1), $1) }
        list(router, "/builds/diff") { store, view, query in
            guard let before = try view.query.one("a"), let after = try view.query.one("b") else {
                throw ServerFailure(
                    .badRequest, "bad_builds", "the address does not name two builds",
                    hint: "choose them on the page of the builds")
            }
            let facts = try BuildDiffPage.facts(
                store, before: before, after: after, query.selection, now: view.now)
            return BuildDiffPage.content(facts, view)
        }
        list(router, "/sessions") { SessionsPage.content(try SessionsPage.facts($0, $2, $1), $1) }
        list(router, "/collection") { CollectionPage.content(try CollectionPage.facts($0, $2, $1), $1) }
        list(router, "/symbols") { store, view, _ in SymbolsPage.content(try SymbolsPage.facts(store), view) }
        // It may last for seconds: it waits for the threads of searches, not for those of pages.
        get(router, "/search") { view, query, _ in
            try await self.store.search { SearchPage.content(try SearchPage.facts($0, query, view), view) }
        }
    }

    private func addThings(_ router: Router<ServerContext>) {
        let source = SourceLinks(template: settings.sourceLink)
        named(router, "/sessions/:id") {
            SessionDetailPage.content(try SessionDetailPage.facts($0, $2, now: $1.now), $1)
        }
        named(router, "/crashes/:id") { store, view, id in
            CrashPage.content(try CrashPage.facts(store, id, now: view.now), view, source: source)
        }
        named(router, "/signatures/:id") { store, view, id in
            SignaturePage.content(try SignaturePage.facts(store, id, now: view.now), view, source: source)
        }
        router.post("/signatures/:id") { request, context in
            try await decide(request, context)
        }
    }

    // MARK: Decisions

    /// Adds the decision of a form, and leads back to the signature's page.
    private func decide(_ request: Request, _ context: ServerContext) async throws -> Response {
        guard context.may(.triage) else {
            throw ServerFailure(
                .forbidden, "not_allowed", "you may not decide about signatures",
                hint: "a token with the role 'triage' may")
        }
        let id = try Self.id(context)
        let body = try await request.smallBody()
        guard let text = String(validating: body, as: UTF8.self) else {
            throw ServerFailure(.badRequest, "bad_form", "the form is not UTF-8")
        }
        let form = try QueryItems(text)
        let (now, author) = (settings.now(), context.identity.name)
        let target = try await store.write { store in
            let signature = try store.signature(named: id, now: now).signature
            let decision = try DecisionForm.decision(form, signature: signature, author: author, now: now) {
                try store.signature(named: $0, now: now).signature
            }
            return try store.decide(decision, now: now).id
        }
        // A reload shows the page and does not decide again.
        return Response(
            status: .seeOther, headers: [.location: PageLink(base: settings.basePath).signature(target)])
    }

    // MARK: Assets

    private func addAssets(_ router: Router<ServerContext>) {
        router.get("/assets/:name") { request, context in
            guard let name = context.parameters.get("name"), let (asset, type) = PageAssets.served(name) else {
                throw ServerFailure(.notFound, "no_page", "there is no such file")
            }
            // The address has the version in it, so that a new one is fetched at once.
            let isVersioned = request.uri.query == asset.version
            return Response(
                status: .ok,
                headers: [
                    .contentType: type,
                    .cacheControl: isVersioned ? "public, max-age=31536000, immutable" : "no-cache",
                ], body: .init(byteBuffer: ByteBuffer(bytes: asset.bytes)))
        }
    }

    // MARK: Plumbing

    private func list(_ router: Router<ServerContext>, _ path: String, _ answer: @escaping Answer) {
        get(router, path) { view, query, _ in try await store.read { try answer($0, view, query) } }
    }

    private func named(_ router: Router<ServerContext>, _ path: String, _ answer: @escaping NamedAnswer) {
        get(router, path) { view, _, context in
            let id = try Self.id(context)
            return try await store.read { try answer($0, view, id) }
        }
    }

    /// Answers GET, and HEAD as the server makes it from that.
    private func get(
        _ router: Router<ServerContext>, _ path: String,
        _ answer: @escaping @Sendable (PageView, SelectionQuery, ServerContext) async throws -> PageContent
    ) {
        let handler: @Sendable (Request, ServerContext) async throws -> Response = { request, context in
            let items = try QueryItems(request)
            let now = settings.now()
            var view = PageView(
                link: PageLink(base: settings.basePath), now: now, path: request.uri.path, query: items,
                identity: context.identity, formToken: context.formToken, hasCookie: context.hasCookie)
            if let address = settings.publicAddress ?? request.head.authority.map({ "http://\($0)" }) {
                view.server = address
            }
            let query = try SelectionQuery(items, now: now, limit: SessionsPage.pageSize)
            return Pages.response(try await answer(view, query, context).html(view, settings))
        }
        router.get(RouterPath(path), use: handler)
        router.head(RouterPath(path), use: handler)
    }

    private static func id(_ context: ServerContext) throws -> String {
        guard let id = context.parameters.get("id").flatMap({ PathSegment.decode($0) }) else {
            throw ServerFailure(.notFound, "no_page", "there is no such page")
        }
        return id
    }
}
