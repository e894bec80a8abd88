import Clocks
import Hummingbird
import JSON
import NIOCore
import Text

// The operations on existing sessions.
extension SandboxService {
    func list(_ call: Call) throws -> Response {
        var query = call.query
        let filter = try ListFilter(&query)
        let now = WallClock.now()
        var entries: [UInt8] = []
        func add(_ view: SessionView) {
            let json = SessionJSON(view: view, verdict: faultRegistry.verdict(view.id), now: now)
            guard json.isListed, filter.admits(view, status: json.status) else { return }
            if !entries.isEmpty { entries.append(UInt8(ascii: ",")) }
            json.listEntry.write(to: &entries)
        }
        for session in registry.all() { add(session.view) }
        var buffers = [ByteBuffer(string: #"{"sessions":["#)]
        if let fleet {
            if filter.isPlain, faultRegistry.listsArePlain {
                let chunks = fleet.chunks(all: filter.all, now: now)
                if !entries.isEmpty, !chunks.isEmpty { entries.append(UInt8(ascii: ",")) }
                buffers.append(ByteBuffer(bytes: entries))
                buffers += Self.joined(chunks)
            } else {
                for view in fleet.views(now: now) { add(view) }
                buffers.append(ByteBuffer(bytes: entries))
            }
        } else {
            buffers.append(ByteBuffer(bytes: entries))
        }
        buffers.append(ByteBuffer(string: "]}"))
        return stream(buffers, call, contentType: "application/json")
    }

    /// Joins pieces with commas, in buffers large enough for one write each.
    private static func joined(_ pieces: [ByteBuffer]) -> [ByteBuffer] {
        var buffers: [ByteBuffer] = []
        var buffer = ByteBuffer()
        for (index, piece) in pieces.enumerated() {
            if index > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
            buffer.writeImmutableBuffer(piece)
            if buffer.readableBytes >= 256 * 1024 {
                buffers.append(buffer)
                buffer = ByteBuffer()
            }
        }
        return buffers + [buffer]
    }

    /// Sends complete buffers as a body that faults may change.
    private func stream(_ buffers: [ByteBuffer], _ call: Call, contentType: String) -> Response {
        var shape = BodyShape(call.faults, operation: call.operation)
        shape.announced = true
        let channel = call.channel
        let length = buffers.reduce(0) { $0 + $1.readableBytes }
        let fixed = shape
        return Response(
            status: .ok, headers: [.contentType: contentType],
            body: .init(contentLength: length) { writer in
                var shaper = BodyShaper(fixed, channel: channel)
                for buffer in buffers where try await !shaper.write(buffer, to: &writer) { break }
                try await writer.finish(nil)
            })
    }

    func describe(_ call: Call) throws -> Response {
        let id = call.variables.first ?? ""
        guard let view = view(id), view.removed == nil, call.faults.describe404 != true else {
            throw APIError.session(id)
        }
        try call.refuseParameters()
        return Self.json(SessionJSON(view: view, verdict: call.verdict, now: WallClock.now()).description)
    }

    func stop(_ call: Call) throws -> Response {
        let id = call.variables.first ?? ""
        guard let view = view(id), view.removed == nil else { throw APIError.session(id) }
        try call.refuseParameters()
        guard let running = registry.stop(id) ?? fleet?.stop(id) else { throw APIError.session(id) }
        guard running else { throw APIError.conflict("This session has already been terminated.") }
        return Response(status: .noContent)
    }

    func join(_ call: Call, body bytes: [UInt8]) throws -> Response {
        try call.refuseParameters()
        var body = try BodyReader(bytes, allowed: ["session", "players"])
        let id = body.text("session", required: true, .withoutNUL) ?? ""
        let names = body.texts("players", required: true, .withoutNUL) ?? []
        try body.check()
        let joined = registry.players(of: id) { players in
            players.join(names)
            return players.count
        }
        guard let count = joined.first ?? fleet?.join(id, names) else {
            guard let view = view(id), view.removed == nil else { throw APIError.session(id) }
            throw APIError.notFound(
                "The session does not exist any more.", details: "The session \(id) has ended; nobody can join it.")
        }
        return Self.players(count, names)
    }

    /// leave-session. The API's description names no session: the players leave all sessions they are in. The count is
    /// the number of players who remain in those sessions.
    func leave(_ call: Call, body bytes: [UInt8]) throws -> Response {
        try call.refuseParameters()
        var body = try BodyReader(bytes, allowed: ["players"])
        let names = body.texts("players", required: true, .withoutNUL) ?? []
        try body.check()
        let leaving = ByteSet(names)
        let left = registry.players(of: nil) { players in players.leave(leaving) ? players.count : 0 }
        return Self.players(left.reduce(fleet?.leave(leaving) ?? 0, +), names)
    }

    private static func players(_ count: Int, _ names: [String]) -> Response {
        json(
            .object([
                .init("count", .integer(Int64(count))), .init("players", .array(names.map { .string($0) })),
            ]))
    }
}
