/// Why an operation of the Session API failed.
///
/// `kind` follows the HTTP status, never the body's `code`, because servers disagree about codes. No field ever holds
/// the bearer token. Texts from the server are limited in length but otherwise unchanged: escape them before you print
/// them to a terminal (`bodyExcerpt` is already escaped).
public struct APIError: Error, Sendable, Equatable {
    /// What went wrong, in the categories a caller can act on.
    public enum Kind: String, Sendable, CaseIterable {
        /// 400: the server does not accept the request.
        case badRequest = "bad_request"
        /// 401: the token is missing, wrong or for another environment.
        case unauthorized
        /// 402: the quota is exhausted.
        case quota
        /// 403: the token lacks a scope (some servers: the quota is exhausted).
        case forbidden
        /// 404: no such session, container, path, image or region.
        case notFound = "not_found"
        /// 409: the id is taken, or the session has ended already.
        case conflict
        /// 420: no capacity at the moment, or too many starts in a short time.
        case capacity
        /// 422: the request is malformed; see `violations`.
        case unprocessable
        /// 429: too many requests; see `retryAfter`.
        case rateLimited = "rate_limited"
        /// 500 to 599.
        case server
        /// Any other status that is not a success. Redirects are not followed: they would send the token elsewhere.
        case unexpectedStatus = "unexpected_status"
        /// The server could not be reached, or the connection broke before a response began.
        case network
        /// No connection, no response or no further byte within the configured time.
        case timeout
        /// The response is not what the API promises: not HTTP, not JSON, or without a required field.
        case invalidAnswer = "invalid_answer"
        /// The body ended before it was complete. What was delivered before the error is valid.
        case truncated
        /// The calling task was cancelled.
        case cancelled
        /// The request was not sent because an argument or the configuration is invalid.
        case invalidArgument = "invalid_argument"
        /// The request was not sent because no usable token is available.
        case noToken = "no_token"
    }

    /// A machine-readable code from the server, such as `RESOURCE_NOT_FOUND`. An open set: servers add their own.
    public struct Code: RawRepresentable, Sendable, Hashable, Codable {
        /// The code as the server sent it.
        public var rawValue: String
        /// Creates a code from the server's text.
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// One invalid field of a request.
    public struct Violation: Sendable, Equatable, Codable {
        /// The field.
        public var field: String
        /// What is wrong with it.
        public var description: String

        /// Creates a violation.
        public init(field: String, description: String) {
            self.field = field
            self.description = description
        }
    }

    /// What went wrong, by HTTP status or cause.
    public var kind: Kind
    /// The operation that failed.
    public var operation: APIOperation
    /// The session the operation was about; nil when it was not about one session.
    public var session: String?
    /// HTTP status, nil when there was no response.
    public var status: Int?
    /// The server's code.
    public var code: Code?
    /// The server's message, or our own when it sent none.
    public var message: String
    /// The server's details.
    public var details: String?
    /// The request path as the server saw it.
    public var path: String?
    /// The server's trace id, to quote to its support.
    public var identifier: String?
    /// When the error happened, as the server wrote it.
    public var timestamp: String?
    /// Which fields of the request are invalid, and why.
    public var violations: [Violation]
    /// How long the server asks to wait, in seconds.
    public var retryAfter: Double?
    /// The beginning of a body that is not a JSON error: on one line, control characters escaped.
    public var bodyExcerpt: String?
    /// The status inside an error body that the server sent with a success status; nil for every other error.
    public var innerStatus: Int?
    /// False when the server cannot have carried out the request: nothing was sent, no connection was made, or the
    /// server refused. True when it may have: after session-run a session may be running.
    public var mayHaveActed: Bool

    /// Creates an error. When `mayHaveActed` is nil, the kind and the status decide it.
    public init(
        _ kind: Kind, operation: APIOperation, session: String? = nil, status: Int? = nil, code: Code? = nil,
        message: String, details: String? = nil, path: String? = nil, identifier: String? = nil,
        timestamp: String? = nil, violations: [Violation] = [], retryAfter: Double? = nil, bodyExcerpt: String? = nil,
        mayHaveActed: Bool? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.session = session
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.path = path
        self.identifier = identifier
        self.timestamp = timestamp
        self.violations = violations
        self.retryAfter = retryAfter
        self.bodyExcerpt = bodyExcerpt
        self.mayHaveActed = mayHaveActed ?? kind.leavesOpenWhatWasDone(status: status)
    }

    /// True when the same request may succeed later without anybody changing anything.
    ///
    /// For session-run only when no session can have been started: ``mayHaveActed`` is false.
    public var isRetryable: Bool {
        let isPassing = innerStatus.map { Kind(status: $0).isPassing(status: $0) } ?? kind.isPassing(status: status)
        return isPassing && (operation.isIdempotent || !mayHaveActed)
    }

    /// What the user can do about it; nil when there is nothing.
    public var hint: String? { guidance { "check session \($0) with the operation describe-session" } }

    /// ``hint``, for a program that has a command for describe-session: `check` returns how to check a session with it.
    package func guidance(check: (_ session: String) -> String) -> String? {
        let wait = retryAfter.map { "the server says to wait \(Int($0.rounded(.up))) s before retrying" }
        let hints = [advice(check), wait].compactMap { $0 }
        return hints.isEmpty ? nil : hints.joined(separator: "; ")
    }

    private func advice(_ check: (_ session: String) -> String) -> String? {
        switch kind {
        case .unauthorized:
            return "check the token, and that it belongs to this server: production rejects sandbox tokens"
        case .forbidden:
            return operation.scope.map { "the token needs the scope \($0), or the quota is exhausted" }
                ?? "the token may lack a scope, or the quota is exhausted"
        case .quota: return "the quota is exhausted; sessions may be stopped by the platform"
        case .noToken: return "set GAMEYE_API_TOKEN, a systemd credential named token, or api.token_file"
        case .capacity: return "try again in a few seconds or in another location"
        case .rateLimited: return "too many requests per minute: lower the request rate"
        case .network where !mayHaveActed: return "check the address and the network"
        default: break
        }
        guard operation == .sessionRun, mayHaveActed, let session else { return nil }
        return "the session may have been started: \(check(session)) before running it again"
    }
}

extension APIError.Kind {
    /// Whether an error of this kind may be temporary.
    fileprivate func isPassing(status: Int?) -> Bool {
        switch self {
        case .capacity, .rateLimited, .server, .network, .timeout, .truncated, .invalidAnswer: true
        // 408 and 425 ask the client to repeat the request.
        default: status == 408 || status == 425
        }
    }

    /// Whether the server may have carried out the request despite an error of this kind.
    fileprivate func leavesOpenWhatWasDone(status: Int?) -> Bool {
        switch self {
        case .server, .network, .timeout, .invalidAnswer, .truncated, .cancelled: true
        // A redirect only names another address, except 303, which follows a completed action.
        case .unexpectedStatus: status == 303 || !(300...499).contains(status ?? 0)
        default: false
        }
    }
}

extension APIError: CustomStringConvertible {
    /// One line: operation, session, status, code and message.
    public var summary: String {
        var text = operation.rawValue
        if let session, !session.isEmpty { text += " of \(session)" }
        text += ": "
        if let status { text += "\(status) " }
        if let code { text += "\(code.rawValue) " }
        return text + message
    }

    /// ``summary`` with the server's identifier, unless the summary already contains it.
    public var description: String {
        let line = summary
        guard let identifier, !identifier.isEmpty, !line.contains(identifier) else { return line }
        return line + " (identifier \(identifier))"
    }
}
