import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Store

/// An error as the server answers it: the command line's shape, with a status.
struct ServerFailure: Error, Sendable {
    /// The response's status.
    var status: HTTPResponse.Status
    /// A stable name for scripts, such as `session_not_found`.
    var code: String
    /// What failed and why, one sentence.
    var message: String
    /// The session concerned, if any.
    var session: String?
    /// The file or container path concerned, if any.
    var path: String?
    /// What to do next, if that is known.
    var hint: String?
    /// After how many seconds a later try may succeed.
    var retryAfter: Int?
    /// The methods that the path knows, for status 405.
    var allow: String?

    init(
        _ status: HTTPResponse.Status, _ code: String, _ message: String, session: String? = nil, path: String? = nil,
        hint: String? = nil, retryAfter: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.session = session
        self.path = path
        self.hint = hint
        self.retryAfter = retryAfter
    }

    /// Converts any error of the store.
    init(_ error: any Error) {
        if let failure = error as? ServerFailure {
            self = failure
            return
        }
        let error = StoreError(error)
        let status: HTTPResponse.Status
        switch error.kind {
        case .notFound: status = .notFound
        case .invalid: status = Self.isAmbiguity(error.code) ? .conflict : .badRequest
        case .partial: status = Self.isAbsence(error.code) ? .notFound : .internalServerError
        case .tryAgain: status = .serviceUnavailable
        case .failed:
            status =
                Self.isAbsence(error.code)
                ? .notFound : Self.isPassing(error.code) ? .serviceUnavailable : .internalServerError
        }
        // The path of a failed call is the server's own business.
        self.init(
            status, error.code.rawValue, error.message, session: error.session,
            path: error.kind == .failed ? nil : error.path, hint: error.hint,
            retryAfter: status == .serviceUnavailable ? 2 : nil)
    }

    /// Its JSON object.
    static let shape = JSONShape<ServerFailure>(
        "Error", "Why a request failed.",
        [
            JSONField("error", .boolean, always: true, "always `true`") { $1.add("error", true) },
            .text("code", "a stable name, such as `session_not_found`") { $0.code },
            .text("message", "what failed and why, one sentence") { $0.message },
            .optionalText("session", "the session concerned") { $0.session },
            .optionalText("path", "the file or container path concerned") { $0.path },
            .optionalText("hint", "what to do next") { $0.hint },
        ])

    /// The response of the API.
    func response(status: HTTPResponse.Status? = nil) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        if let allow { headers[.allow] = allow }
        let status = status ?? self.status
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        return Response(
            status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: Self.shape.line(self).utf8)))
    }

    /// Whether the request is right and the store cannot answer now: until the next harvest, the end of an upgrade, or a
    /// repair.
    private static func isPassing(_ code: StoreError.Code) -> Bool {
        ["catalog_missing", "catalog_older", "catalog_io", "catalog_corrupt", "restore_unfinished"].contains(
            code.rawValue)
    }

    private static func isAmbiguity(_ code: StoreError.Code) -> Bool {
        code.rawValue.hasPrefix("ambiguous")
    }

    /// Whether what was asked for is not in the store, though the store is sound.
    private static func isAbsence(_ code: StoreError.Code) -> Bool {
        [
            .sessionNotFound, .noPack, .pruned, .memberNotFound, .isLink, .crashNotFound, .noSessions, .noLogs,
            .notFollowed, .nothingMatches, .noCore,
        ].contains(code)
    }
}

extension HTTPResponse.Status {
    /// The disk is full (RFC 4918, section 11.5).
    static let noSpace = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
