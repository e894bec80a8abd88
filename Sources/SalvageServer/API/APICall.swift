import Catalog
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Store

/// A request to the API, checked, with what its handler needs.
struct APICall: Sendable {
    let request: Request
    let context: ServerContext
    /// The query.
    let items: QueryItems
    /// The values of the path's variables, in order.
    let variables: [String]
    let services: APIServices
    let table: APITable

    var store: ServerStore { services.store }
    var settings: ServerSettings { services.settings }
    /// The time (ms since 1970).
    var now: Int64 { settings.now() }
    /// The value of the first variable.
    var id: String { variables.first ?? "" }
    /// Whether only the head of the response is wanted.
    var isHead: Bool { request.method == .head }

    /// The filters of the query.
    func selection(limit: Int = 100) throws -> SelectionQuery {
        try SelectionQuery(items, now: now, limit: limit)
    }

    /// One of a few words of the query; nil when it is not given.
    func word(_ name: String, _ words: [String]) throws -> String? {
        guard let text = try items.one(name) else { return nil }
        guard words.contains(text) else {
            throw ServerFailure(
                .badRequest, "bad_\(name)", "invalid value '\(text)' for '\(name)'",
                hint: "one of: " + words.joined(separator: ", "))
        }
        return text
    }

    /// The unit of a series.
    func unit(_ standard: SeriesUnit) throws -> SeriesUnit {
        try word("by", SeriesUnit.allCases.map(\.rawValue)).flatMap { SeriesUnit(rawValue: $0) } ?? standard
    }

    /// An object as the response.
    func json(_ object: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: object)))
    }

    /// An object as the response.
    func json(_ object: JSONLine, status: HTTPResponse.Status = .ok) -> Response { json(object.utf8, status: status) }

    /// A page of a list as the response.
    func page(_ items: [[UInt8]], next: String?) -> Response {
        var line = JSONLine()
        line.add("items", json: items.jsonArray)
        line.add("next", next)
        return json(line.utf8)
    }

    /// A body that `write` sends piece by piece. The connection counts as busy until it is sent.
    func streamed(
        length: Int? = nil, _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> ResponseBody {
        let activity = context.activity
        return ResponseBody(contentLength: length) { writer in
            try await write(&writer)
            try await writer.finish(nil)
            withExtendedLifetime(activity) {}
        }
    }
}
