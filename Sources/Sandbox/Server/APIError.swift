import Calendar
import Clocks
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// An error response in the API's form.
struct APIError: Error, Sendable {
    struct Violation: Sendable, Equatable {
        var field: String
        var description: String
    }

    var status: Int
    var code: String
    var message: String
    var details: String
    var violations: [Violation] = []
    var headers: HTTPFields = [:]

    init(_ status: Int, _ code: String, _ message: String, details: String = "", violations: [Violation] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.details = details.isEmpty ? message : details
        self.violations = violations
    }

    static func notFound(_ message: String, details: String = "") -> APIError {
        APIError(404, "RESOURCE_NOT_FOUND", message, details: details)
    }

    /// The path exists for other methods only; `allow` names them.
    static func method(allow: String) -> APIError {
        var error = APIError(405, "METHOD_NOT_ALLOWED", "This path does not support the method.")
        error.headers[.allow] = allow
        return error
    }

    static func session(_ id: String) -> APIError {
        notFound("The session does not exist.", details: "No session has the id \(id).")
    }

    /// The request does not name a session. The only error that the API has for this is 404.
    static func unnamed(_ parameter: String) -> APIError {
        var error = notFound(
            "The session does not exist.", details: "The request names no session: \(parameter) must be given once.")
        error.violations = [Violation(field: parameter, description: "must be given once and not be empty")]
        return error
    }

    static func invalid(_ violations: [Violation]) -> APIError {
        APIError(
            422, "INVALID_REQUEST", "The request is not valid.",
            details: violations.map { "\($0.field): \($0.description)" }.joined(separator: "; "), violations: violations
        )
    }

    /// An error that only the operator can fix. The caller gets the same text as the server's log.
    static func broken(_ image: BrokenImage) -> APIError {
        APIError(
            500, "IMAGE_BROKEN", "The image is broken: \(image.text)",
            details: "\(image.text). The sandbox's operator must fix it.")
    }

    static func server(_ reason: String) -> APIError {
        APIError(500, "INTERNAL_ERROR", "The sandbox failed: \(reason)", details: reason)
    }

    /// No capacity for another session; `retryAfter` is in seconds.
    static func full(_ reason: String, retryAfter: Int?) -> APIError {
        var error = APIError.of(status: 420)
        error.details = reason
        if let retryAfter { error.retry(after: "\(retryAfter)") }
        return error
    }

    mutating func retry(after text: String) {
        if let name = HTTPField.Name("Retry-After") { headers[name] = text }
    }

    static func conflict(_ message: String) -> APIError { APIError(409, "CONFLICT", message) }

    /// The error for a status that a fault or the sandbox requests.
    static func of(status: Int) -> APIError {
        let known: [Int: (String, String)] = [
            400: ("BAD_REQUEST", "The request is malformed."),
            401: ("UNAUTHORIZED", "You are not authorized."),
            402: ("QUOTA_EXCEEDED", "You have exhausted your quota."),
            403: ("FORBIDDEN", "Your API token may not have the required permissions."),
            404: ("RESOURCE_NOT_FOUND", "The resource does not exist."),
            409: ("CONFLICT", "The request conflicts with the state of the session."),
            420: ("CAPACITY_UNAVAILABLE", "This session can currently not be started. Please try again later!"),
            422: ("INVALID_REQUEST", "The request is not valid."),
            429: ("TOO_MANY_REQUESTS", "Too many requests."),
            500: ("INTERNAL_ERROR", "Something went wrong."),
            502: ("BAD_GATEWAY", "The server behind the gateway did not respond."),
            503: ("SERVICE_UNAVAILABLE", "The service is not available."),
            504: ("GATEWAY_TIMEOUT", "The server behind the gateway took too long."),
        ]
        let (code, message) = known[status] ?? ("ERROR", "The request failed.")
        return APIError(status, code, message)
    }

    func response(path: String, body: Faults.Failure.Body = .json) -> Response {
        var headers = headers
        let bytes: [UInt8]
        switch body {
        case .json:
            headers[.contentType] = "application/json"
            bytes = json(path: path, whole: true).utf8
        case .noIdentifier:
            headers[.contentType] = "application/json"
            bytes = json(path: path, whole: false).utf8
        case .bare:
            headers[.contentType] = "application/json"
            bytes = JSONValue.strings([("message", message)]).utf8
        case .broken:
            headers[.contentType] = "application/json"
            bytes = Array(json(path: path, whole: true).utf8.prefix(40))
        case .html:
            headers[.contentType] = "text/html"
            bytes = Array(
                """
                <html>\r
                <head><title>\(status) \(message)</title></head>\r
                <body><center><h1>\(status)</h1></center><hr><center>gateway</center></body>\r
                </html>\r\n
                """.utf8)
        case .empty: bytes = []
        }
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func json(path: String, whole: Bool) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("statusCode", .integer(Int64(status))), .init("code", .string(code)),
            .init("message", .string(message)),
        ]
        if whole { members.append(.init("details", .string(details))) }
        members.append(.init("path", .string(path)))
        members.append(.init("timestamp", .string(ISO8601.text(clamping: WallClock.now()))))
        if whole { members.append(.init("identifier", .string(Identifier.random()))) }
        if !violations.isEmpty {
            members.append(
                .init(
                    "violations",
                    .array(
                        violations.map {
                            .strings([("field", $0.field), ("description", $0.description)])
                        })))
        }
        return .object(members)
    }
}

/// Makes version 4 UUIDs.
enum Identifier {
    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return text(generator.next(), generator.next())
    }

    static func text(_ high: UInt64, _ low: UInt64) -> String {
        let high = (high & ~0xf000) | 0x4000
        let low = (low & ~(0xc << 60)) | (0x8 << 60)
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        let first = hex(high, 16)
        let last = hex(low, 16)
        func part(_ text: String, _ from: Int, _ to: Int) -> Substring { text.prefix(to).dropFirst(from) }
        return
            "\(part(first, 0, 8))-\(part(first, 8, 12))-\(part(first, 12, 16))-\(part(last, 0, 4))-\(part(last, 4, 16))"
    }
}
