import HTTPTypes
import Hummingbird

/// One operation of the API: how it is called, what it returns, and the code that answers it. Router and OpenAPI document are
/// made from it.
struct APIRoute: Sendable {
    /// The method.
    let method: HTTPRequest.Method
    /// The path below `/api/v1`, with names of variables in braces: `/sessions/{id}`.
    let path: String
    /// Its name in the document.
    let operation: String
    /// One sentence.
    let summary: String
    /// Who may call it.
    let role: ServerRole
    /// Its variables and the items of its query.
    let parameters: [APIParameter]
    /// The body that it takes.
    let body: APIBody?
    /// What it returns when all goes well.
    let answers: [APIAnswer]
    /// The statuses of its errors.
    let failures: [HTTPResponse.Status]
    /// Answers a request.
    let handler: @Sendable (APICall) async throws -> Response

    /// An operation. Errors that every operation may have need not be given.
    init(
        _ method: HTTPRequest.Method, _ path: String, _ operation: String, _ summary: String, role: ServerRole = .read,
        _ parameters: [APIParameter] = [], body: APIBody? = nil, returns answers: [APIAnswer],
        failures: [HTTPResponse.Status] = [], handler: @escaping @Sendable (APICall) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.operation = operation
        self.summary = summary
        self.role = role
        let variables = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
        let given = Set(parameters.filter { $0.place == .path }.map(\.name))
        self.parameters =
            variables.filter { !given.contains(String($0)) }.map { APIParameter.variable(String($0)) } + parameters
        self.body = body
        self.answers = answers
        var all: [HTTPResponse.Status] = [
            .badRequest, .unauthorized, .forbidden, .notFound, .conflict, .tooManyRequests, .internalServerError,
            .serviceUnavailable,
        ]
        if body != nil { all += [.requestTimeout, .contentTooLarge, .unsupportedMediaType] }
        self.failures = (all + failures.filter { !all.contains($0) }).sorted { $0.code < $1.code }
        self.handler = handler
    }
}

/// A variable of a path, or an item of a query.
struct APIParameter: Sendable {
    /// Where it stands.
    enum Place: String, Sendable {
        case path, query
    }

    let name: String
    let place: Place
    let schema: APISchema
    let help: String
    let isRequired: Bool

    /// An item of the query.
    static func query(_ name: String, _ schema: APISchema, _ help: String, isRequired: Bool = false) -> APIParameter {
        APIParameter(name: name, place: .query, schema: schema, help: help, isRequired: isRequired)
    }

    /// A variable of the path.
    static func variable(_ name: String) -> APIParameter {
        APIParameter(
            name: name, place: .path, schema: .name,
            help: "An id, percent-encoded. `.` and `..` and ids that begin with `~` have a `~` in front.",
            isRequired: true)
    }

    /// A number in the path.
    static func number(_ name: String, _ help: String) -> APIParameter {
        APIParameter(name: name, place: .path, schema: .integer(0...999_999_999), help: help, isRequired: true)
    }
}

/// The body that an operation takes.
struct APIBody: Sendable {
    let type: String
    let schema: APISchema
}

/// A response.
struct APIAnswer: Sendable {
    let status: HTTPResponse.Status
    /// The media type; nil for a response without content.
    let type: String?
    let schema: APISchema
    let help: String

    /// An object.
    static func object(_ shape: String, _ help: String, status: HTTPResponse.Status = .ok) -> APIAnswer {
        APIAnswer(status: status, type: "application/json", schema: .object(shape), help: help)
    }

    /// A page of a list.
    static func page(of shape: String, _ help: String) -> APIAnswer {
        APIAnswer(status: .ok, type: "application/json", schema: .page(of: shape), help: help)
    }

    /// Bytes of another type.
    static func bytes(_ type: String, _ help: String, status: HTTPResponse.Status = .ok) -> APIAnswer {
        APIAnswer(status: status, type: type, schema: .text, help: help)
    }

    /// No content.
    static func nothing(_ status: HTTPResponse.Status, _ help: String) -> APIAnswer {
        APIAnswer(status: status, type: nil, schema: .text, help: help)
    }
}
