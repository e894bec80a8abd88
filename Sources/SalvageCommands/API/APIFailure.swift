import JSON
import SessionAPI

extension Failure {
    /// Converts a Session API error to the form that every command reports.
    init(_ error: APIError) {
        let status: ExitStatus =
            switch error.kind {
            case .unauthorized, .forbidden, .noToken: .notAuthorised
            case .cancelled: .interrupted
            case .invalidArgument: .usage
            // The list always exists: a 404 for it means that the address is wrong.
            case .notFound where error.operation != .sessionList: .nothingFound
            default: error.isRetryable ? .tryAgain : .failure
            }
        var hint = error.guidance { "check with salvage api describe-session \(ShellText.quoted($0))" }
        if error.kind == .notFound, error.operation == .sessionList {
            hint = "there is no Session API at this address; check --url, SALVAGE_API_URL or api.url"
        }
        self.init(
            error.code?.rawValue ?? error.kind.rawValue, error.summary, session: error.session, path: error.path,
            hint: hint, status: status)
        answer = ServerAnswer(error)
    }
}

/// What an error response holds besides its message: as text for people, as fields for scripts.
struct ServerAnswer: Sendable {
    var operation: String?
    var status: Int?
    var identifier: String?
    var details: String?
    var timestamp: String?
    var retryAfter: Double?
    var bodyExcerpt: String?
    var violations: [APIError.Violation] = []

    init(status: Int?, identifier: String?) {
        self.status = status
        self.identifier = identifier
    }

    init(_ error: APIError) {
        operation = error.operation.rawValue
        status = error.status
        identifier = error.identifier
        timestamp = error.timestamp
        retryAfter = error.retryAfter
        bodyExcerpt = error.bodyExcerpt
        violations = error.violations
        if error.details != error.message { details = error.details }
    }

    /// Returns the text that follows the message on a terminal: what the message does not already say.
    func text(after message: String) -> String {
        var text = ""
        for violation in violations { text += "; \(violation.field): \(violation.description)" }
        // Servers that list violations repeat them in their details.
        if violations.isEmpty, let details, details != identifier { text += "; \(details)" }
        if let bodyExcerpt { text += "; the server said: \(bodyExcerpt)" }
        if let identifier, !(message + text).contains(identifier) { text += " (identifier \(identifier))" }
        return text
    }

    /// Adds the same facts as fields to an error's JSON object.
    func add(to line: inout JSONLine) {
        line.add("operation", operation)
        line.add("status", status)
        line.add("identifier", identifier)
        line.add("details", details)
        line.add("timestamp", timestamp)
        line.add("retry_after", retryAfter)
        line.add("body", bodyExcerpt)
        guard !violations.isEmpty else { return }
        line.add(
            "violations",
            violations.map { violation in
                var object = JSONLine()
                object.add("field", violation.field)
                object.add("description", violation.description)
                return object
            })
    }
}
