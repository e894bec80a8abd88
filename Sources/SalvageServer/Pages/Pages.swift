import HTTPTypes
import Hummingbird

/// The pages for people.
enum Pages {
    /// Adds their routes. `/sign-in` and what is under `/assets/` are answered to everybody, all other pages to those who
    /// may read.
    static func add(to router: Router<ServerContext>, _ server: ServerSettings, _ store: ServerStore) {}

    /// The page that says what failed.
    static func failure(_ failure: ServerFailure, _ server: ServerSettings, _ context: ServerContext) -> Response {
        failure.response(status: failure.status)
    }

    /// The page on which a token is exchanged for a cookie: a form that posts `token` and `next` to `/sign-in`.
    ///
    /// - Parameters:
    ///   - failure: why the last try failed.
    ///   - next: the path to go to afterwards.
    static func signIn(_ server: ServerSettings, failure: ServerFailure?, next: String) -> Response {
        (failure ?? ServerFailure(.unauthorized, "not_signed_in", "sign in")).response(status: .ok)
    }
}
