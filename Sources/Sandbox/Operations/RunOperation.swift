import Hummingbird
import JSON
import NIOCore

// session-run, get-available-locations and tag-exists.
extension SandboxService {
    func run(_ call: Call, body: [UInt8]) async throws -> Response {
        try call.refuseParameters()
        let request = try RunRequest(body: body)
        let choice = try await choice(for: request)
        let id = request.id ?? Identifier.random()
        if let other = fleet?.view(id), other.removed == nil { throw APIError.taken(id) }
        let session: Session
        switch registry.admit(request, id: id, choice: choice) {
        case .admitted(let admitted): session = admitted
        case .taken: throw APIError.taken(id)
        case .full(let reason, let retryAfter): throw APIError.full(reason, retryAfter: retryAfter)
        }
        if let faults = request.faults { faultRegistry.set(faults, session: id, at: nil) }
        do {
            let executable = try await Self.blocking { try session.folder.prepare(image: choice.image) }
            if let failure = await registry.start(session, executable: executable) { throw failure }
        } catch {
            registry.withdraw(session)
            if request.faults != nil { faultRegistry.clear(session: id) }
            await discard(session)
            throw error
        }
        return Self.json(
            .object([
                .init("id", .string(id)), .init("host", .string(session.host)),
                .init("ports", .array(session.ports.map(\.json))),
            ]), status: .created)
    }

    private func choice(for request: RunRequest) async throws -> Hosting.Choice {
        let hosting = hosting
        let (choice, isKnown) = try await Self.blocking {
            (
                try hosting.choice(request.image, version: request.version, at: request.location),
                try hosting.knows(request.image)
            )
        }
        if let choice {
            for key in choice.image.description.strangers {
                mention("\(choice.image.folder)/image.json: unknown key \(key)")
            }
            mention(choice.passedOver)
            return choice
        }
        guard !hosting.places.called(request.location).isEmpty else {
            throw APIError.notFound(
                "The region does not exist.",
                details: "No region or data center is called \(request.location). There are: "
                    + "\(hosting.places.names.joined(separator: ", ")).")
        }
        guard isKnown else {
            throw APIError.notFound(
                "The application does not exist.", details: "There is no image \(request.image).")
        }
        let version = request.version.map { ":\($0)" } ?? ""
        throw APIError.notFound(
            "The application does not exist there.",
            details: "\(request.location) hosts no image \(request.image)\(version).")
    }

    private func mention(_ passedOver: [BrokenImage]) {
        for broken in passedOver { mention("\(broken.text); another version runs instead") }
    }

    /// Removes the folder of a session that did not start.
    private func discard(_ session: Session) async {
        do {
            try await Self.blocking { try session.folder.remove() }
        } catch {
            log("\(session.folder.path): cannot remove the folder: \(FileTrouble(error).text)")
        }
    }

    func locations(_ call: Call) async throws -> Response {
        let name = call.variables.first ?? ""
        let hosting = hosting
        guard try await Self.blocking({ try hosting.knows(name) }) else { throw APIError.image(name) }
        try call.refuseParameters()
        guard let listing = try await Self.blocking({ try hosting.locations(name) }) else {
            throw APIError.image(name)
        }
        mention(listing.passedOver)
        let entries = listing.names.map { location in
            JSONValue.object([
                .init("id", .string(location)), .init("ips", .array([.string(configuration.address)])),
            ])
        }
        return Self.json(.object([.init("locations", .array(entries))]))
    }

    func tagExists(_ call: Call) async throws -> Response {
        guard call.variables.count == 3, !call.variables.contains("") else { throw APIError.of(status: 400) }
        let (region, name, version) = (call.variables[0], call.variables[1], call.variables[2])
        let hosting = hosting
        guard try await Self.blocking({ try hosting.knows(name) }) else { throw APIError.image(name) }
        try call.refuseParameters()
        let choice = try await Self.blocking { try hosting.choice(name, version: version, at: region) }
        return Self.json(.object([.init("exists", .bool(choice != nil))]))
    }
}

extension APIError {
    fileprivate static func image(_ name: String) -> APIError {
        notFound("The image was not found.", details: "No image is called \(name).")
    }

    fileprivate static func taken(_ id: String) -> APIError {
        conflict("A session with the id \(id) exists. Please use a unique identifier.")
    }
}
