#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension APIError {
    /// Longest text kept from a server's error, in bytes.
    static let maximumText = 4096
    /// Most violations kept per error.
    static let maximumViolations = 64
    /// Longest excerpt of a body that is not a JSON error, in bytes.
    static let maximumExcerpt = 400

    /// Makes an error from a status that is not a success, and its body in any form.
    package static func answer(
        _ operation: APIOperation, session: String?, status: Int, body: UnsafeRawBufferPointer, retryAfter: Double?,
        redaction: Redaction = .none
    ) -> APIError {
        var error = APIError(
            Kind(status: status), operation: operation, session: session, status: status,
            message: Kind.phrase(status: status), retryAfter: retryAfter)
        guard let decoded = Body(body) else {
            error.bodyExcerpt = excerpt(body, redaction)
            return error
        }
        error.take(decoded, redaction)
        if error.code == nil, decoded.message == nil { error.bodyExcerpt = mendedExcerpt(body, redaction) }
        return error
    }

    /// Makes an error from a response with a success status whose body is an API error: it has a `statusCode` of 400 or
    /// more and a code or message. Nil when the body is anything else.
    package static func inSuccess(
        _ operation: APIOperation, session: String?, status: Int, body: UnsafeRawBufferPointer, retryAfter: Double?,
        redaction: Redaction
    ) -> APIError? {
        guard let decoded = Body(body), let inner = decoded.statusCode, inner >= 400,
            decoded.code != nil || decoded.message != nil
        else { return nil }
        var error = APIError(
            .invalidAnswer, operation: operation, session: session, status: status,
            message: "", retryAfter: retryAfter)
        error.take(decoded, redaction)
        let words = "a success response contains an error of status \(inner)"
        error.message = error.message.isEmpty ? words : "\(words): \(error.message)"
        error.innerStatus = inner
        return error
    }

    private mutating func take(_ body: Body, _ redaction: Redaction) {
        func text(_ raw: String) -> String { Self.limited(redaction.clean(raw)) }
        code = body.code.map { Code(rawValue: text($0)) }
        if let raw = body.message, !raw.isEmpty { message = text(raw) }
        details = body.details.map(text)
        path = body.path.map(text)
        identifier = body.identifier.map(text)
        timestamp = body.timestamp.map(text)
        violations = body.violations.prefix(Self.maximumViolations).map {
            Violation(field: text($0.field), description: text($0.description))
        }
    }

    private static func limited(_ text: String) -> String {
        guard text.utf8.count > maximumText else { return text }
        return String(decoding: text.utf8.prefix(maximumText), as: UTF8.self) + "…"
    }

    /// The beginning of a JSON body with its escapes decoded, so that a token written with escapes is found.
    static func mendedExcerpt(_ body: UnsafeRawBufferPointer, _ redaction: Redaction) -> String? {
        JSONMender(body).output.withUnsafeBytes { excerpt($0, redaction) }
    }

    /// The beginning of a body on one line: the token removed, white space collapsed, control characters escaped.
    package static func excerpt(_ body: UnsafeRawBufferPointer, _ redaction: Redaction) -> String? {
        // Clean before cutting: a cut could leave half of a token.
        redaction.clean(Array(body.prefix(65_536))).withUnsafeBytes { excerpt($0) }
    }

    private static func excerpt(_ body: UnsafeRawBufferPointer) -> String? {
        var text = ""
        var pendingSpace = false
        // Read four times the excerpt's length, so that indentation does not use it up.
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

    /// The message for a status whose body has none.
    static func phrase(status: Int) -> String {
        switch status {
        case 300...399: "the server sent a redirect, which is not followed"
        case 400: "the server rejected the request"
        case 401: "the server rejected the token"
        case 402: "the quota is exhausted"
        case 403: "the token does not permit this"
        case 404: "not found"
        case 409: "conflict with the current state of the session"
        case 413: "the request or the artifact is too large"
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
    /// The API's error object; every field is optional and may have any type.
    private struct Body: Decodable {
        var statusCode: Int?
        var code: String?
        var message: String?
        var details: String?
        var path: String?
        var identifier: String?
        var timestamp: String?
        var violations: [Violation] = []

        /// Reads the error object; nil when the body is not a JSON object.
        init?(_ bytes: UnsafeRawBufferPointer) {
            let read =
                (try? JSONDecoder().decode(Body.self, from: Data(JSONMender(bytes).output)))
                ?? (try? JSONDecoder().decode(Body.self, from: Data(bytes)))
            guard let read else { return nil }
            self = read
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: AnyKey.self)
            statusCode = Self.words(container, "statusCode").flatMap { Int($0) }
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

        /// A field as text: a number is written out, a list of strings joined, and an object gives its `message`.
        static func words(_ container: KeyedDecodingContainer<AnyKey>, _ name: String) -> String? {
            let key = AnyKey(name)
            if let text = try? container.decode(String.self, forKey: key) { return text.isEmpty ? nil : text }
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
            if let text = try? decoder.singleValueContainer().decode(String.self), !text.isEmpty {
                violation = Violation(field: "request", description: text)
                return
            }
            let container = try decoder.container(keyedBy: AnyKey.self)
            let field = Body.words(container, "field")
            let description = Body.words(container, "description") ?? Body.words(container, "message")
            guard field != nil || description != nil else {
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "an empty violation"))
            }
            violation = Violation(field: field ?? "", description: description ?? "")
        }
    }
}
