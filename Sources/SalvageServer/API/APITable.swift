import HTTPTypes
import Text

/// The routes of the API, found by path and method.
struct APITable: Sendable {
    let routes: [APIRoute]
    private let templates: [[String]]

    init(_ routes: [APIRoute]) {
        self.routes = routes
        templates = routes.map { $0.path.split(separator: "/").map(String.init) }
    }

    /// The route for a path, in segments that are still encoded, and the values of its variables in order.
    ///
    /// - Throws: ``ServerFailure`` with 404 for an unknown path, 405 for an unknown method, 400 for an invalid id.
    func find(_ segments: [String], _ method: HTTPRequest.Method) throws -> (route: APIRoute, variables: [String]) {
        let matching = routes.indices.filter { Self.matches(templates[$0], segments) }
        guard !matching.isEmpty else {
            throw ServerFailure(
                .notFound, "no_operation", "there is nothing at this path", hint: "/api/v1/openapi.json lists all paths"
            )
        }
        let wanted = method == .head ? .get : method
        guard let index = matching.first(where: { routes[$0].method == wanted }) else {
            var failure = ServerFailure(
                .methodNotAllowed, "bad_method", "\(method.rawValue) is not possible at this path")
            let methods = matching.map { routes[$0].method.rawValue }
            failure.allow = (methods + (methods.contains("GET") ? ["HEAD"] : [])).joined(separator: ", ")
            throw failure
        }
        var variables: [String] = []
        for (part, segment) in zip(templates[index], segments) where part.hasPrefix("{") {
            guard let value = PathSegment.decode(segment) else {
                throw ServerFailure(
                    .badRequest, "bad_path", "a part of the path is not percent-encoded UTF-8, or is empty")
            }
            variables.append(value)
        }
        return (routes[index], variables)
    }

    private static func matches(_ template: [String], _ segments: [String]) -> Bool {
        template.count == segments.count
            && zip(template, segments).allSatisfy { $0.hasPrefix("{") || $0.hasSameBytes(as: $1) }
    }
}
