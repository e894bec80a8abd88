import Hummingbird
import NIOCore

// The operations on sessions themselves.
extension SandboxService {
    func run(_ call: Call, body: [UInt8]) async throws -> Response {
        let request = try RunRequest(body: body)
        guard configuration.locations.contains(request.location) else {
            throw APIError.notFound("The region does not exist.", details: "No region is called \(request.location).")
        }
        guard let image = images.image(request.image, version: request.version), image.hosted(in: request.location)
        else {
            let version = request.version.map { ":\($0)" } ?? ""
            throw APIError.notFound(
                "The application does not exist.", details: "There is no image \(request.image)\(version).")
        }
        var ttl: Milliseconds?
        if let text = request.ttl {
            guard let minutes = RunRequest.minutes(ttl: text) else {
                throw APIError.invalid([.init(field: "ttl", description: "must be a time such as 2h30m")])
            }
            ttl = SandboxConfiguration.milliseconds(Double(minutes) * configuration.minute)
        }
        let faults = try Self.faults(in: request)
        let id = request.id ?? Identifier.random()
        guard fleet?.view(id) == nil,
            let session = registry.admit(request, id: id, image: image, host: configuration.address, ttl: ttl)
        else {
            if registry.view(id)?.removed == nil, view(id) != nil {
                throw APIError.conflict("A session with the id \(id) exists. Please use a unique identifier.")
            }
            throw APIError.of(status: 420)
        }
        if let faults { desk.set(faults, session: id, at: nil) }
        do {
            let executable = try await Self.blocking { try session.folder.prepare(image: image) }
            if let reason = await registry.start(session, executable: executable) { throw SandboxError(reason) }
        } catch {
            registry.withdraw(id)
            try? await Self.blocking { session.folder.remove() }
            var answer = APIError.of(status: 420)
            answer.details = "\(error)"
            throw answer
        }
        return Self.json(
            .object([
                .init("id", .string(id)), .init("host", .string(session.host)),
                .init("ports", .array(session.ports.map(\.json))),
            ]), status: .created)
    }

    /// The label through which a session brings its own faults.
    static let faultsLabel = "sandbox.faults"

    private static func faults(in request: RunRequest) throws -> Faults? {
        guard let text = request.labels.first(where: { $0.0 == faultsLabel })?.1 else { return nil }
        do {
            return try Faults(json: text)
        } catch let error as SandboxError {
            throw APIError.invalid([.init(field: "labels.\(faultsLabel)", description: error.message)])
        }
    }

    func list(_ call: Call) throws -> Response {
        var query = call.query
        let filter = try ListFilter(&query)
        let now = Moment.now()
        var entries: [UInt8] = []
        func add(_ view: SessionView) {
            let json = SessionJSON(view: view, verdict: desk.verdict(view.id), now: now)
            guard json.isListed, filter.admits(view, status: json.status) else { return }
            if !entries.isEmpty { entries.append(UInt8(ascii: ",")) }
            json.listEntry.write(into: &entries)
        }
        for session in registry.all() { add(session.view) }
        var buffers = [ByteBuffer(string: #"{"sessions":["#)]
        if let fleet {
            if filter.isPlain, desk.listsArePlain {
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

    /// The pieces with commas between them, in buffers worth a write each.
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

    /// Finished buffers as a body that faults may bend.
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
        return Self.json(SessionJSON(view: view, verdict: call.verdict, now: Moment.now()).description)
    }

    func stop(_ call: Call) throws -> Response {
        let id = call.variables.first ?? ""
        guard let running = registry.stop(id) ?? fleet?.stop(id) else { throw APIError.session(id) }
        guard running else { throw APIError.conflict("This session has already been terminated.") }
        return Response(status: .noContent)
    }

    func join(body bytes: [UInt8]) async throws -> Response {
        var body = try BodyReader(bytes, allowed: ["session", "players"])
        let id = body.text("session", required: true) ?? ""
        let names = body.texts("players", required: true)
        try body.check()
        let joined = registry.players(of: id) { players in
            for name in names where !players.contains(name) { players.append(name) }
            return players.count
        }
        guard let count = joined.first else { throw APIError.session(id) }
        return Self.players(count, names)
    }

    /// The API's description gives no session here: the players leave wherever they are.
    func leave(body bytes: [UInt8]) async throws -> Response {
        var body = try BodyReader(bytes, allowed: ["players"])
        let names = body.texts("players", required: true)
        try body.check()
        let left = registry.players(of: nil) { players in
            let before = players.count
            players.removeAll { names.contains($0) }
            return before == players.count ? 0 : players.count
        }
        return Self.players(left.reduce(0, +), names)
    }

    private static func players(_ count: Int, _ names: [String]) -> Response {
        json(
            .object([
                .init("count", .integer(Int64(count))), .init("players", .array(names.map { .string($0) })),
            ]))
    }

    func locations(_ call: Call) throws -> Response {
        let name = call.variables.first ?? ""
        guard let image = images.image(name, version: nil) else {
            throw APIError.notFound("The image was not found.", details: "No image is called \(name).")
        }
        let entries = configuration.locations.filter(image.hosted).map { location in
            JSONValue.object([
                .init("id", .string(location)), .init("ips", .array([.string(configuration.address)])),
            ])
        }
        return Self.json(.object([.init("locations", .array(entries))]))
    }

    func tagExists(_ call: Call) throws -> Response {
        guard call.variables.count == 3, !call.variables.contains("") else { throw APIError.of(status: 400) }
        let (region, name, version) = (call.variables[0], call.variables[1], call.variables[2])
        guard images.exists(name) else {
            throw APIError.notFound("The image was not found.", details: "No image is called \(name).")
        }
        let exists = configuration.locations.contains(region) && images.image(name, version: version) != nil
        return Self.json(.object([.init("exists", .bool(exists))]))
    }
}
