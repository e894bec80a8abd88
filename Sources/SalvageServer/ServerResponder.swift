import HTTPTypes
import Hummingbird
import NIOCore
import Text

/// Answers every request: checks where it goes and who sends it, then calls the API or the pages.
struct ServerResponder: HTTPResponder {
    typealias Context = ServerContext

    private let settings: ServerSettings
    private let services: APIServices
    private let api: APITable
    private let pages: RouterResponder<ServerContext>
    private let access: AccessCheck
    private let register: ConnectionRegister

    init(_ options: ServerOptions, _ services: APIServices, _ register: ConnectionRegister) {
        self.register = register
        settings = options.settings
        self.services = services
        access = AccessCheck(options.access, options.settings, host: options.host)
        api = APITable(APIRoutes.all)
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: PageErrors())
        Pages.add(to: router, options.settings, services.store)
        pages = router.buildResponder()
    }

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        var context = context
        context.activity = register.began(context.channel)
        let target = RequestTarget(request, basePath: settings.basePath)
        var response: Response
        if context.activity?.isBroken == true { throw CancellationError() }
        do {
            try Self.checkFraming(request, context)
            try access.checkHost(request.head)
            try access.identify(request, &context)
            response =
                try await target.isAPI
                ? answer(target, request, context) : page(target, target.inner(request), context)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let failure = ServerFailure(error)
            response = target.isAPI ? failure.response() : Pages.failure(failure, settings, context)
            if let retryAfter = failure.retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        }
        SecurityHeaders.add(to: &response.headers)
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// Refuses what a proxy in front may understand in another way: two hosts, or an end that is not clear (RFC 9112, sections
    /// 3.2 and 6.3).
    private static func checkFraming(_ request: Request, _ context: ServerContext) throws {
        // The first is not among the headers.
        guard host.flatMap({ request.headers[$0] }) == nil else {
            throw ServerFailure(.badRequest, "two_hosts", "the request has two Host headers")
        }
        guard let encoding = request.headers[.transferEncoding], encoding.lowercased() != "chunked" else { return }
        context.activity?.breakOff()
        throw ServerFailure(
            .badRequest, "bad_encoding", "the transfer encoding is not 'chunked'", hint: "send a Content-Length")
    }

    private static let host = HTTPField.Name("Host")

    // MARK: The API

    private func answer(_ target: RequestTarget, _ request: Request, _ context: ServerContext) async throws -> Response
    {
        let found = try api.find(Array(target.segments.dropFirst(2)), request.method)
        try require(found.route.role, context)
        if request.method != .get, request.method != .head { try access.checkForgery(request, context, form: nil) }
        let items = try QueryItems(target.query.isEmpty ? "" : String(target.query.dropFirst()))
        try items.check(only: found.route.parameters.filter { $0.place == .query }.map(\.name))
        // The empty pattern matches every line.
        try items.checkValues(except: "q")
        return try await found.route.handler(
            APICall(
                request: request, context: context, items: items, variables: found.variables, services: services,
                table: api))
    }

    private func require(_ role: ServerRole, _ context: ServerContext) throws {
        guard !context.may(role) else { return }
        guard context.credential != .none else {
            throw ServerFailure(
                .unauthorized, "not_signed_in", "this needs a token",
                hint: "send Authorization: Bearer TOKEN, or sign in at \(settings.link("/sign-in"))")
        }
        throw ServerFailure(
            .forbidden, "not_allowed",
            "\(context.identity.name) may not do this: the role '\(role.rawValue)' is missing",
            hint: "ask who runs this server for a token with that role")
    }

    // MARK: The pages

    private func page(_ target: RequestTarget, _ request: Request, _ context: ServerContext) async throws -> Response {
        if request.method == .post, target.segments == ["sign-in"] { return try await signIn(request, context) }
        if !target.isPublic {
            do {
                try require(.read, context)
            } catch let failure as ServerFailure where failure.status == .unauthorized && access.hasTokens {
                guard request.method == .get || request.method == .head else { throw failure }
                let next = Percent.encode(target.path + target.query)
                return .redirect(to: settings.link("/sign-in?next=\(next)"))
            }
        }
        guard request.method != .get, request.method != .head else {
            return try await pages.respond(to: request, context: context)
        }
        var request = request
        let bytes = try await request.smallBody(context.activity)
        let form = request.isType("application/x-www-form-urlencoded") ? try QueryItems(Self.text(bytes)) : nil
        try access.checkForgery(request, context, form: form)
        if target.segments == ["sign-out"] {
            return Response(
                status: .seeOther, headers: [.location: settings.link("/sign-in"), .setCookie: access.signOut(request)])
        }
        request.body = .init(buffer: ByteBuffer(bytes: bytes))
        return try await pages.respond(to: request, context: context)
    }

    private func signIn(_ request: Request, _ context: ServerContext) async throws -> Response {
        // Whoever signs in has no form token yet; the page must be one of this server's all the same.
        try access.checkOrigin(request)
        guard request.isType("application/x-www-form-urlencoded") else {
            throw ServerFailure(.unsupportedMediaType, "not_a_form", "the body is not a form")
        }
        let form = try QueryItems(Self.text(try await request.smallBody(context.activity)))
        let next = try Self.safe(form.one("next"))
        do {
            let cookie = try access.signIn(form.one("token") ?? "", request, context)
            return Response(status: .seeOther, headers: [.location: settings.link(next), .setCookie: cookie])
        } catch let failure as ServerFailure {
            var response = Pages.signIn(settings, failure: failure, next: next)
            response.status = failure.status
            return response
        }
    }

    private static func text(_ bytes: [UInt8]) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ServerFailure(.badRequest, "bad_form", "the form is not UTF-8")
        }
        return text
    }

    /// A path on this server; `/` for anything that could lead elsewhere.
    static func safe(_ path: String?) -> String {
        guard let path, path.hasBytePrefix("/"), !path.hasBytePrefix("//"), !path.hasBytePrefix("/\\"),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return "/" }
        return path
    }
}

/// Turns the errors of the router into those of the server, so that there is one page about errors.
private struct PageErrors: RouterMiddleware {
    typealias Context = ServerContext

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            throw error.status == .notFound
                ? ServerFailure(.notFound, "no_page", "there is no such page")
                : ServerFailure(error.status, "bad_request", error.body ?? "the request cannot be answered")
        }
    }
}
