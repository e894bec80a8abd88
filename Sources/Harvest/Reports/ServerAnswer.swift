public import SessionAPI

/// What a response with an error says besides its message.
public struct ServerAnswer: Sendable {
    /// The operation's name in the API; nil if unknown.
    public var operation: String?
    /// The HTTP status; nil when there was no response.
    public var status: Int?
    /// The server's trace id, to quote to its support.
    public var identifier: String?
    /// The server's details, unless they only repeat the message.
    public var details: String?
    /// When the error happened, as the server wrote it.
    public var timestamp: String?
    /// How long the server asks to wait, in seconds.
    public var retryAfter: Double?
    /// The beginning of a body that is not a JSON error, on one line.
    public var bodyExcerpt: String?
    /// Which fields of the request are invalid, and why.
    public var violations: [APIError.Violation] = []

    /// Creates an answer of which only this is known.
    public init(status: Int?, identifier: String?) {
        self.status = status
        self.identifier = identifier
    }

    /// Takes the facts of an error.
    public init(_ error: APIError) {
        operation = error.operation.rawValue
        status = error.status
        identifier = error.identifier
        timestamp = error.timestamp
        retryAfter = error.retryAfter
        bodyExcerpt = error.bodyExcerpt
        violations = error.violations
        if error.details != error.message { details = error.details }
    }

    /// Returns the text that follows a message: what the message does not already say.
    public func text(after message: String) -> String {
        var text = ""
        for violation in violations {
            text += Self.separator(after: message + text) + "\(violation.field): \(violation.description)"
        }
        // Servers that list violations repeat them in their details, and others repeat the message.
        if violations.isEmpty, let details, details != identifier, !Self.says(message, details) {
            text += Self.separator(after: message + text) + details
        }
        if let bodyExcerpt { text += "; the server said: \(bodyExcerpt)" }
        if let identifier, !(message + text).contains(identifier) { text += " (identifier \(identifier))" }
        return text
    }

    /// A sentence is followed by the next one, a phrase by a semicolon.
    private static func separator(after text: String) -> String { text.hasSuffix(".") ? " " : "; " }

    /// Whether a message already says what the details say, whatever the letter case and the full stop.
    private static func says(_ message: String, _ details: String) -> Bool {
        var words = details.lowercased()
        while words.last == "." || words.last == " " { words.removeLast() }
        return message.lowercased().contains(words)
    }
}

extension APIError {
    /// ``summary``, completed by what else the response says.
    public var sentence: String { summary + ServerAnswer(self).text(after: summary) }

    /// What a user of salvage can do about it; nil when there is nothing.
    ///
    /// - Parameters:
    ///   - address: the server's address, named when it cannot be reached; nil if it is not known.
    ///   - check: returns how to check a session by its id.
    public func remedy(at address: String? = nil, check: (_ session: String) -> String) -> String? {
        if kind == .notFound, operation == .sessionList {
            return "there is no Session API at this address; check --url, SALVAGE_API_URL or api.url"
        }
        if let address, kind == .network, !mayHaveActed { return "check the address \(address) and the network" }
        return guidance(check: check)
    }
}
