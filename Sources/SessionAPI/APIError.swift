/// Why an operation of the Session API did not succeed.
///
/// `kind` follows the HTTP status, never the body's `code`, because servers disagree about codes. No field ever holds
/// the bearer token. Texts from the server are limited in length but otherwise as they came: escape them before they
/// reach a terminal (`bodyExcerpt` already is).
public struct APIError: Error, Sendable, Equatable {
    /// What went wrong, as far as a caller acts on it.
    public enum Kind: String, Sendable, CaseIterable {
        /// 400: the server does not accept the request.
        case badRequest = "bad_request"
        /// 401: the token is missing, wrong or of another environment.
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
        /// Any other status that is not a success; redirects are not followed, so that the token goes nowhere else.
        case unexpectedStatus = "unexpected_status"
        /// The server could not be reached or the connection broke before an answer began.
        case network
        /// No connection, no answer or no further byte within the configured time.
        case timeout
        /// The answer is not what the API promises: not HTTP, not JSON, or without a required field.
        case invalidAnswer = "invalid_answer"
        /// The body ended before it was complete. What was delivered before the error is valid.
        case truncated
        /// The calling task was cancelled.
        case cancelled
        /// The request was not sent because an argument or the configuration makes no valid request.
        case invalidArgument = "invalid_argument"
        /// The request was not sent because no usable token could be had.
        case noToken = "no_token"
    }

    /// A machine-readable code as the server gave it, such as `RESOURCE_NOT_FOUND`. Open: servers use their own.
    public struct Code: RawRepresentable, Sendable, Hashable, Codable {
        /// The server's word.
        public var rawValue: String
        /// A code by the server's word.
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// One complaint about one field of a request.
    public struct Violation: Sendable, Equatable, Codable {
        /// The field.
        public var field: String
        /// What is wrong with it.
        public var description: String

        /// A complaint from its parts.
        public init(field: String, description: String) {
            self.field = field
            self.description = description
        }
    }

    /// What went wrong, by HTTP status or cause.
    public var kind: Kind
    /// The operation that failed.
    public var operation: APIOperation
    /// The session the operation was about, where it is about one.
    public var session: String?
    /// HTTP status, nil when there was no answer.
    public var status: Int?
    /// The server's code.
    public var code: Code?
    /// The server's message, or our own words when it gave none.
    public var message: String
    /// The server's details.
    public var details: String?
    /// The request path as the server saw it.
    public var path: String?
    /// The server's trace id, to be quoted to its support.
    public var identifier: String?
    /// The server's time of the error, as text.
    public var timestamp: String?
    /// Complaints about single fields of the request.
    public var violations: [Violation]
    /// How long the server asks to wait, in seconds.
    public var retryAfter: Double?
    /// The beginning of a body that is not a JSON error, on one line, control characters escaped.
    public var bodyExcerpt: String?
    /// The status that the server's error names inside of an answer of success; nil in every other error.
    public var innerStatus: Int?
    /// False when the server cannot have done what was asked: nothing was sent, no connection was made, or the server
    /// refused. True when it may have: after session-run a session may be running.
    public var mayHaveActed: Bool

    /// An error from its parts. Whether the server may have done what was asked is decided by the kind where
    /// `mayHaveActed` is nil.
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

    /// True when the same request may be sent again, by and by with success, without anybody doing anything.
    ///
    /// session-run only where no session can have been started: ``mayHaveActed`` is false.
    public var isRetryable: Bool {
        let isPassing = innerStatus.map { Kind(status: $0).isPassing(status: $0) } ?? kind.isPassing(status: status)
        return isPassing && (operation.isIdempotent || !mayHaveActed)
    }

    /// What the person at the keyboard can do about it, where there is something.
    public var hint: String? {
        let wait = retryAfter.map { "the server asks to wait \(Int($0.rounded(.up))) s" }
        let hints = [advice, wait].compactMap { $0 }
        return hints.isEmpty ? nil : hints.joined(separator: "; ")
    }

    private var advice: String? {
        switch kind {
        case .unauthorized:
            return "check the token, and that it belongs to this server: sandbox tokens are refused by production"
        case .forbidden:
            return operation.scope.map { "the token needs the scope \($0), or the quota is exhausted" }
                ?? "the token may lack a scope, or the quota is exhausted"
        case .quota: return "the quota is exhausted; sessions may be stopped by the platform"
        case .noToken: return "set GAMEYE_API_TOKEN or token_file"
        case .capacity: return "try again in a few seconds or in another location"
        case .rateLimited: return "fewer requests per minute are allowed than are being sent"
        case .network where !mayHaveActed: return "check the address and the network"
        default: break
        }
        guard operation == .sessionRun, mayHaveActed, let session else { return nil }
        return "the session may have been started: look with describe-session \(session) before it is run again"
    }
}

extension APIError.Kind {
    /// Whether an error of this kind may go away by itself.
    fileprivate func isPassing(status: Int?) -> Bool {
        switch self {
        case .capacity, .rateLimited, .server, .network, .timeout, .truncated, .invalidAnswer: true
        // 408 and 425 ask for the same request again.
        default: status == 408 || status == 425
        }
    }

    /// Whether after an error of this kind the server may have done what was asked.
    fileprivate func leavesOpenWhatWasDone(status: Int?) -> Bool {
        switch self {
        case .server, .network, .timeout, .invalidAnswer, .truncated, .cancelled: true
        // A redirection says where to ask instead; only 303 follows something that was done.
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

    /// ``summary`` with the server's identifier, which is said once.
    public var description: String {
        let line = summary
        guard let identifier, !identifier.isEmpty, !line.contains(identifier) else { return line }
        return line + " (identifier \(identifier))"
    }
}
