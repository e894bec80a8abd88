import CrashExport
import HTTPTypes
import JSON
import Model
import Store

/// The OpenAPI 3.1 description of the API, made from the table of routes and the shapes of the objects
/// (https://spec.openapis.org/oas/v3.1.0).
enum OpenAPIDocument {
    /// The objects that responses consist of.
    static let objects: [JSONObjectDescription] = [
        JSONObjectDescription(ServerFailure.shape), JSONObjectDescription(Shapes.status),
        JSONObjectDescription(Shapes.absentPath), JSONObjectDescription(Shapes.signature),
        JSONObjectDescription(Shapes.decision), JSONObjectDescription(Shapes.change),
        JSONObjectDescription(Shapes.build), JSONObjectDescription(Shapes.session),
        JSONObjectDescription(Shapes.sessionReport), JSONObjectDescription(Shapes.artifact),
        JSONObjectDescription(Shapes.request), JSONObjectDescription(Shapes.explainedArtifact),
        JSONObjectDescription(Shapes.logTail), JSONObjectDescription(ExportEntry.shape),
        JSONObjectDescription(Shapes.crash), JSONObjectDescription(CrashCause.shape),
        JSONObjectDescription(CrashThread.shape), JSONObjectDescription(CrashFrame.shape),
        JSONObjectDescription(CrashModule.shape), JSONObjectDescription(Shapes.seriesPoint),
        JSONObjectDescription(Shapes.finding), JSONObjectDescription(Shapes.missingSymbols),
        JSONObjectDescription(Shapes.symbolsAdded), JSONObjectDescription(APIShapes.file),
        JSONObjectDescription(APIShapes.lines), JSONObjectDescription(APIShapes.coverage),
        JSONObjectDescription(APIShapes.symbol), JSONObjectDescription(APIShapes.identity),
        JSONObjectDescription(APIShapes.ledger),
    ]

    /// The document.
    static func make(_ routes: [APIRoute], _ settings: ServerSettings) -> [UInt8] {
        var line = JSONLine()
        line.add("openapi", "3.1.0")
        line.add("info") { info in
            info.add("title", settings.title)
            info.add("version", settings.version)
            info.add(
                "description",
                "Sessions, crashes, logs and files of game servers. Every object has the fields that `salvage --json` "
                    + "prints; later versions may add fields.")
        }
        line.add("servers", [settings.link("/api/v1")]) { $0.add("url", $1) }
        line.add("security", json: Array("[{\"token\":[]},{\"cookie\":[]}]".utf8))
        line.add("paths") { paths in
            var seen: [String] = []
            for route in routes where !seen.contains(route.path) {
                seen.append(route.path)
                paths.add(route.path) { path in
                    for other in routes where other.path == route.path {
                        path.add(other.method.rawValue.lowercased()) { add(other, to: &$0) }
                    }
                }
            }
        }
        line.add("components") { components in
            components.add("schemas", JSONSchema.schemas(objects))
            components.add("securitySchemes") { schemes in
                schemes.add("token") {
                    $0.add("type", "http")
                    $0.add("scheme", "bearer")
                }
                schemes.add("cookie") {
                    $0.add("type", "apiKey")
                    $0.add("in", "cookie")
                    $0.add("name", AccessCheck.cookie)
                }
            }
        }
        return line.utf8
    }

    private static func add(_ route: APIRoute, to line: inout JSONLine) {
        line.add("operationId", route.operation)
        line.add("summary", route.summary)
        line.add("tags", [route.role.rawValue])
        if !route.parameters.isEmpty {
            line.add("parameters", route.parameters) { item, parameter in
                item.add("name", parameter.name)
                item.add("in", parameter.place.rawValue)
                item.add("description", parameter.help)
                if parameter.isRequired { item.add("required", true) }
                item.add("schema", json: parameter.schema.json)
            }
        }
        if let body = route.body {
            line.add("requestBody") { request in
                request.add("required", true)
                request.add("content") { content in
                    content.add(body.type) { $0.add("schema", json: body.schema.json) }
                }
            }
        }
        line.add("responses") { responses in
            for answer in route.answers {
                responses.add("\(answer.status.code)") { item in
                    item.add("description", answer.help)
                    if let type = answer.type {
                        item.add("content") { content in
                            content.add(type) { $0.add("schema", json: answer.schema.json) }
                        }
                    }
                }
            }
            for status in route.failures { addFailure(status, to: &responses) }
        }
    }

    private static func addFailure(_ status: HTTPResponse.Status, to responses: inout JSONLine) {
        responses.add("\(status.code)") { item in
            item.add("description", words[status.code] ?? status.reasonPhrase)
            item.add("content") { content in
                content.add("application/json") { $0.add("schema", json: APISchema.object("Error").json) }
            }
        }
    }

    private static let words: [Int: String] = [
        400: "The request is wrong; `message` says why.", 401: "A token is needed, or the one sent is not known.",
        403: "The token lacks the role, or the request was made by a page of another site.",
        404: "There is no such thing.", 408: "The body did not arrive.",
        409: "The name means several things, or the object is in another state.", 413: "The body is too large.",
        415: "The body has another type.", 416: "The range is outside the file.",
        429: "Too many attempts; see `Retry-After`.", 500: "The store cannot answer; `message` says why.",
        503: "Busy, or the store cannot be read now; see `Retry-After`.", 507: "The disk is full.",
    ]
}
