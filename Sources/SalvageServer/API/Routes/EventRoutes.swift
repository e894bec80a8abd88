import HTTPTypes
import Hummingbird
import NIOCore

extension APIRoutes {
    /// The stream of events.
    static let events = APIRoute(
        .get, "/events", "events",
        "What happens in the store, as server-sent events: `new` and `returned` (an Event), `crash` (another Crash) and "
            + "`session` (a Session that was collected). Crashes have an id: with it in `Last-Event-ID`, none is missed.",
        [
            .query(
                "after", .integer(0...999_999_999), "the id of the last event that was received, as in `Last-Event-ID`"),
            .query("limit", .integer(1...1_000_000), "end the stream after this many events"),
        ],
        returns: [
            APIAnswer(
                status: .ok, type: "text/event-stream",
                schema: .fields(
                    [
                        ("event", .word(["new", "returned", "crash", "session"]), "what happened"),
                        ("data", .text, "the object as JSON, in one line"), ("id", .text, "the place of a crash"),
                        ("retry", .integer(0...1_000_000), "after how many milliseconds to connect again"),
                    ], required: []), help: "The events, each with these fields; a comment each 15 seconds.")
        ]
    ) { call in
        let headers: HTTPFields = [.contentType: "text/event-stream"]
        guard !call.isHead else { return Response(status: .ok, headers: headers) }
        let named = HTTPField.Name("Last-Event-ID").flatMap { call.request.headers[$0] }.flatMap { Int64($0) }
        let after = try named ?? call.items.number("after", in: 0...999_999_999).map { Int64($0) }
        let limit = try call.items.number("limit", in: 1...1_000_000) ?? .max
        let feed = call.services.events
        let subscription = try await feed.subscribe()
        call.context.channel.closeFuture.whenComplete { [weak subscription] _ in subscription?.end() }
        let missed: (messages: [EventMessage], next: Int64?)
        do { missed = try await after.asyncMap { try await feed.missed(after: $0) } ?? ([], nil) } catch {
            subscription.end()
            throw error
        }
        return Response(
            status: .ok, headers: headers,
            body: call.streamed { writer in
                defer { subscription.end() }
                try await writer.write(ByteBuffer(string: "retry: 3000\n\n"))
                var left = limit
                var last: Int64 = 0
                var missed = missed
                while true {
                    for message in missed.messages where left > 0 {
                        try await writer.write(ByteBuffer(bytes: message.bytes))
                        last = message.id ?? last
                        left -= 1
                    }
                    guard left > 0, let next = missed.next else { break }
                    missed = try await feed.missed(after: next)
                }
                if left == 0 { return }
                for await message in subscription.messages {
                    // What was sent as missed may arrive again.
                    if let id = message.id, id <= last { continue }
                    try await writer.write(ByteBuffer(bytes: message.bytes))
                    if message.isEvent { left -= 1 }
                    if left == 0 { return }
                }
            })
    }
}

extension Optional where Wrapped: Sendable {
    /// Like `map`, for a function that waits.
    fileprivate func asyncMap<Result: Sendable>(
        _ body: @Sendable (Wrapped) async throws -> Result
    ) async throws -> Result? {
        guard let self else { return nil }
        return try await body(self)
    }
}
