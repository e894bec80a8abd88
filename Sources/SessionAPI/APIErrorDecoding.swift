#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension APIError {
    /// Longest text taken from a server's error, in bytes.
    static let maximumText = 4096
    /// Most violations kept of one error.
    static let maximumViolations = 64
    /// Longest excerpt of a body that is not a JSON error, in bytes.
    static let maximumExcerpt = 400

    /// An error from a status that is not a success and whatever body came with it.
    static func answer(
        _ operation: Operation, session: String?, status: Int, body: UnsafeRawBufferPointer, retryAfter: Double?
    ) -> APIError {
        var error = APIError(
            Kind(status: status), operation: operation, session: session, status: status,
            message: Kind.phrase(status: status), retryAfter: retryAfter)
        let read =
            (try? JSONDecoder().decode(Body.self, from: Data(JSONMender(body).output)))
            ?? (try? JSONDecoder().decode(Body.self, from: Data(body)))
        guard let decoded = read else {
            error.bodyExcerpt = excerpt(body)
            return error
        }
        error.take(decoded)
        if error.code == nil, decoded.message == nil { error.bodyExcerpt = excerpt(body) }
        return error
    }

    private mutating func take(_ body: Body) {
        code = body.code.map { Code(rawValue: Self.limited($0)) }
        if let text = body.message, !text.isEmpty { message = Self.limited(text) }
        details = body.details.map(Self.limited)
        path = body.path.map(Self.limited)
        identifier = body.identifier.map(Self.limited)
        timestamp = body.timestamp.map(Self.limited)
        violations = body.violations.prefix(Self.maximumViolations).map {
            Violation(field: Self.limited($0.field), description: Self.limited($0.description))
        }
    }

    /// The same error with every occurrence of a secret taken out of its texts: a server may echo what it was sent.
    func redacting(_ secret: String) -> APIError {
        guard !secret.isEmpty else { return self }
        func clean(_ text: String) -> String {
            text.contains(secret)
                ? text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "[token]") : text
        }
        var copy = self
        copy.session = session.map(clean)
        copy.code = code.map { Code(rawValue: clean($0.rawValue)) }
        copy.message = clean(message)
        copy.details = details.map(clean)
        copy.path = path.map(clean)
        copy.identifier = identifier.map(clean)
        copy.timestamp = timestamp.map(clean)
        copy.violations = violations.map { Violation(field: clean($0.field), description: clean($0.description)) }
        copy.bodyExcerpt = bodyExcerpt.map(clean)
        return copy
    }

    private static func limited(_ text: String) -> String {
        guard text.utf8.count > maximumText else { return text }
        return String(decoding: text.utf8.prefix(maximumText), as: UTF8.self) + "…"
    }

    /// The beginning of a body on one line: white space folded, control characters escaped.
    static func excerpt(_ body: UnsafeRawBufferPointer) -> String? {
        var text = ""
        var pendingSpace = false
        // Twice the excerpt's length is looked at, so that indentation does not use it up.
        let prefix = String(decoding: body.prefix(maximumExcerpt * 4), as: UTF8.self)
        for scalar in prefix.unicodeScalars {
            if scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t" {
                pendingSpace = !text.isEmpty
                continue
            }
            guard text.utf8.count < maximumExcerpt else { return text + "…" }
            if pendingSpace { text += " " }
            pendingSpace = false
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        if text.isEmpty { return nil }
        return body.count > maximumExcerpt * 4 ? text + "…" : text
    }
}

extension APIError.Kind {
    /// The kind of an HTTP status.
    init(status: Int) {
        switch status {
        case 400: self = .badRequest
        case 401: self = .unauthorized
        case 402: self = .quota
        case 403: self = .forbidden
        case 404: self = .notFound
        case 409: self = .conflict
        case 420: self = .capacity
        case 422: self = .unprocessable
        case 429: self = .rateLimited
        case 500...599: self = .server
        default: self = .unexpectedStatus
        }
    }

    /// Words for a status whose body says nothing.
    static func phrase(status: Int) -> String {
        switch status {
        case 300...399: "the server redirects elsewhere, which is not followed"
        case 400: "the server does not accept the request"
        case 401: "the server does not accept the token"
        case 402: "the quota is exhausted"
        case 403: "the token is not allowed to do this"
        case 404: "not found"
        case 409: "conflict with the session's present state"
        case 413: "too large for the server"
        case 420: "no capacity at the moment"
        case 422: "the request is malformed"
        case 429: "too many requests"
        case 500: "the server failed"
        case 502: "bad gateway"
        case 503: "the service is unavailable"
        case 504: "gateway timeout"
        default: "unexpected HTTP status"
        }
    }
}

extension APIError {
    /// The error envelope of the API, every field optional and of any type.
    private struct Body: Decodable {
        var code: String?
        var message: String?
        var details: String?
        var path: String?
        var identifier: String?
        var timestamp: String?
        var violations: [Violation] = []

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: AnyKey.self)
            code = Self.words(container, "code")
            message = Self.words(container, "message") ?? Self.words(container, "error")
            details = Self.words(container, "details") ?? Self.words(container, "detail")
            path = Self.words(container, "path")
            identifier = Self.words(container, "identifier")
            timestamp = Self.words(container, "timestamp")
            guard let list = try? container.decode([Tolerant<LooseViolation>].self, forKey: AnyKey("violations"))
            else { return }
            violations = list.compactMap(\.value?.violation)
        }

        /// A field as text: numbers and lists of texts are spelled out.
        static func words(_ container: KeyedDecodingContainer<AnyKey>, _ name: String) -> String? {
            let key = AnyKey(name)
            if let text = try? container.decode(String.self, forKey: key) { return text }
            if let number = try? container.decode(Int64.self, forKey: key) { return String(number) }
            if let list = try? container.decode([Tolerant<String>].self, forKey: key) {
                let texts = list.compactMap(\.value)
                return texts.isEmpty ? nil : texts.joined(separator: "; ")
            }
            if let inner = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: key) {
                return try? inner.decode(String.self, forKey: AnyKey("message"))
            }
            return nil
        }
    }

    private struct LooseViolation: Decodable {
        var violation: Violation

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: AnyKey.self)
            let field = Body.words(container, "field")
            let description = Body.words(container, "description")
            guard field != nil || description != nil else {
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "an empty violation"))
            }
            violation = Violation(field: field ?? "", description: description ?? "")
        }
    }
}
