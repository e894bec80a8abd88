import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Store
import Text

/// The pages for people.
enum Pages {
    /// Adds their routes. `/sign-in` and what is under `/assets/` are answered to everybody, all other pages to those who
    /// may read.
    static func add(to router: Router<ServerContext>, _ server: ServerSettings, _ store: ServerStore) {
        PageRoutes(settings: server, store: store).add(to: router)
    }

    /// The page that says what failed.
    static func failure(_ failure: ServerFailure, _ server: ServerSettings, _ context: ServerContext) -> Response {
        var view = PageView(
            link: PageLink(base: server.basePath), now: server.now(), path: "/", query: .none,
            identity: context.identity, formToken: context.formToken, hasCookie: context.hasCookie)
        // Somebody who may not read is not offered the pages.
        if failure.status == .unauthorized { view.identity = .unknown }
        return response(FailurePage.content(failure).html(view, server), status: failure.status)
    }

    /// The page on which a token is exchanged for a cookie: a form that posts `token` and `next` to `/sign-in`.
    ///
    /// - Parameters:
    ///   - failure: why the last try failed.
    ///   - next: the path to go to afterwards.
    static func signIn(_ server: ServerSettings, failure: ServerFailure?, next: String) -> Response {
        let view = PageView(link: PageLink(base: server.basePath), now: server.now(), path: "/sign-in", query: .none)
        return response(FailurePage.signIn(failure, next: next).html(view, server))
    }

    /// A page as a response.
    static func response(_ html: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: html)))
    }
}

extension QueryItems {
    /// An address without a query.
    static let none = QueryItems(pairs: [])
}
