internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
public import SessionModel

extension SessionAPIClient {
    /// session-run: starts a session.
    ///
    /// The request is checked before it is sent. A request without an id gets a UUIDv4, so that the session can be
    /// found if the response is lost: the error holds the id in `APIError.session`.
    /// - Throws: `invalidArgument`, `conflict` (the id is taken), `capacity` (retry in seconds), `quota` and others.
    ///   `APIError.mayHaveActed` is true when a session may have been started nevertheless.
    public func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession {
        try request.check()
        let request = request.identified()
        let id = request.id ?? ""
        let call = Call(
            operation: .sessionRun, method: .POST, endpoint: endpoint("session"), session: id, sent: request.sent,
            body: try json(request, .sessionRun))
        let answer = try await answer(StartedAnswer.self, call)
        let answered = answer.id.flatMap { $0.isEmpty ? nil : $0 }
        return StartedSession(id: answered ?? id, host: answer.host, ports: answer.ports)
    }

    /// session-list: passes on each session as it arrives, without holding the list in memory.
    /// - Parameters:
    ///   - query: which sessions.
    ///   - entry: called for each session in the server's order.
    /// - Returns: after the complete list has arrived, the number of sessions and which entries are damaged.
    /// - Throws: possibly after some entries, when the list is truncated or malformed. A session that is missing from
    ///   such a list may still exist.
    nonisolated(nonsending) public func sessionList(
        _ query: SessionListQuery, entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        try query.check()
        var endpoint = endpoint("session")
        query.add(to: &endpoint)
        let call = Call(operation: .sessionList, method: .GET, endpoint: endpoint, sent: query.sent)
        return try await recorded(.sessionList, nil) { (record) async throws(APIError) in
            let begun = ContinuousClock.now
            let answer = try await send(call, &record)
            return try await list(answer, begun, entry)
        }
    }

    /// Reads a list from a response.
    nonisolated(nonsending) private func list(
        _ answer: Answer, _ begun: ContinuousClock.Instant, _ entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        var decoder = SessionListDecoder(keepsEnvironment: configuration.keepsEnvironment)
        let most = configuration.maximumList
        // Kept to recognize an error in place of a list. Such an error is small.
        var beginning: [UInt8] = []
        do {
            for try await chunk in stream(answer, within: configuration.listTimeout, since: begun) {
                guard decoder.summary.bytes <= most else {
                    throw answer.context.error(.invalidAnswer, "the list is larger than \(most) bytes")
                }
                try chunk.withUnsafeBytes { (bytes) throws(SessionListError) in
                    beginning.append(contentsOf: bytes.prefix(65_536 - beginning.count))
                    try decoder.push(bytes, entry: entry)
                }
            }
            return try decoder.finish(entry: entry)
        } catch let error as SessionListError {
            if decoder.summary.entries == 0, let error = disguised(beginning, answer) { throw error }
            let kind: APIError.Kind = error.code == .truncated ? .truncated : .invalidAnswer
            var failure = answer.context.error(kind, "\(error.message), at byte \(error.offset) of the list")
            failure.status = answer.status
            failure.retryAfter = Self.retryAfter(answer.response)
            if decoder.summary.entries == 0 {
                failure.bodyExcerpt = beginning.withUnsafeBytes { APIError.excerpt($0, answer.context.redaction) }
            }
            throw failure
        } catch {
            throw answer.context.failure(error, during: .body(received: decoder.summary.bytes))
        }
    }

    /// describe-session: everything the API knows about one session.
    /// - Throws: `notFound` and others.
    public func describeSession(_ id: String) async throws(APIError) -> SessionDescription {
        try ArgumentCheck(operation: .describeSession, session: id).required(id, "the session's id")
        let call = Call(operation: .describeSession, method: .GET, endpoint: endpoint("session", id), session: id)
        return try await answer(SessionDescription.self, call)
    }

    /// session-stop: sends SIGTERM to a session.
    /// - Throws: `notFound`, `conflict` (the session has already ended) and others.
    public func sessionStop(_ id: String) async throws(APIError) {
        try ArgumentCheck(operation: .sessionStop, session: id).required(id, "the session's id")
        try await acknowledged(
            Call(operation: .sessionStop, method: .DELETE, endpoint: endpoint("session", id), session: id))
    }

    /// join-session: registers players with a session.
    /// - Throws: `notFound`, `unprocessable` and others.
    public func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster {
        let check = ArgumentCheck(operation: .joinSession, session: session)
        try check.required(session, "the session's id")
        for (index, player) in players.enumerated() { try check.plain(player, "players[\(index)]") }
        let body = try json(PlayersRequest(session: session, players: players), .joinSession)
        let call = Call(
            operation: .joinSession, method: .PUT, endpoint: endpoint("session", "player", "join"), session: session,
            sent: players, body: body)
        return try await answer(PlayerRoster.self, call)
    }

    /// leave-session: removes players from the sessions they are in.
    /// - Throws: `notFound`, `unprocessable` and others.
    public func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster {
        let check = ArgumentCheck(operation: .leaveSession)
        for (index, player) in players.enumerated() { try check.plain(player, "players[\(index)]") }
        let body = try json(PlayersRequest(players: players), .leaveSession)
        let call = Call(
            operation: .leaveSession, method: .DELETE, endpoint: endpoint("session", "player", "leave"), sent: players,
            body: body)
        return try await answer(PlayerRoster.self, call)
    }

    /// artifacts: starts the download of one file or folder of an ended session's container.
    ///
    /// The API recommends downloads of at most 100 MB. Download the files of a larger folder one by one.
    /// - Parameters:
    ///   - session: the session's id.
    ///   - path: an absolute path inside the container.
    /// - Returns: the response head; the bytes arrive as the body is iterated.
    /// - Throws: `notFound` (the session is unknown, its container is gone, or the path does not exist) and others.
    public func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload {
        let check = ArgumentCheck(operation: .artifacts, session: session)
        try check.required(session, "the session's id")
        try check.path(path, "the path")
        var endpoint = endpoint("artifacts")
        endpoint.query("session", session)
        endpoint.query("path", path)
        let call = Call(
            operation: .artifacts, method: .GET, endpoint: endpoint, session: session, sent: [path],
            accept: "application/x-tar, application/gzip, application/octet-stream, */*", lane: .downloads)
        return try await recorded(.artifacts, session) { (record) async throws(APIError) in
            let answer = try await send(call, &record)
            return ArtifactDownload(
                head: BodyHead(answer.response), body: try await checkedStream(answer, always: true))
        }
    }

    /// get-available-locations: where an image can be hosted now.
    /// - Throws: `notFound` (no such image) and others.
    public func availableLocations(image: String) async throws(APIError) -> [AvailableLocation] {
        try ArgumentCheck(operation: .availableLocations).required(image, "the image")
        let call = Call(
            operation: .availableLocations, method: .GET, endpoint: endpoint("available-location", image), sent: [image]
        )
        return try await answer(AvailableLocations.self, call).locations
    }

    /// tag-exists: whether a version of an image is available in a region.
    /// - Throws: `notFound` (no such image), `badRequest` and others.
    public func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool {
        let check = ArgumentCheck(operation: .tagExists)
        try check.required(region, "the region")
        try check.required(image, "the image")
        try check.required(version, "the version")
        let call = Call(
            operation: .tagExists, method: .GET, endpoint: endpoint("tag", region, image, version),
            sent: [region, image, version])
        return try await answer(TagAnswer.self, call).exists
    }

    /// stream-logs: what a session wrote to stdout and stderr.
    /// - Parameters:
    ///   - session: the session's id.
    ///   - follow: whether to keep the stream open and pass on new output until the session ends. False ends after what
    ///     has been written so far. A followed log has no stall limit.
    /// - Throws: `notFound` and others.
    public func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream {
        try ArgumentCheck(operation: .streamLogs, session: session).required(session, "the session's id")
        var endpoint = endpoint("logs")
        endpoint.query("id", session)
        if follow { endpoint.query("follow", "true") }
        let call = Call(
            operation: .streamLogs, method: .GET, endpoint: endpoint, session: session, accept: "text/plain, */*;q=0.1",
            lane: follow ? .followers : .downloads)
        return try await recorded(.streamLogs, session) { (record) async throws(APIError) in
            let answer = try await send(call, &record)
            let body = try await checkedStream(answer, stalls: !follow, always: false)
            return LogStream(head: BodyHead(answer.response), body: body)
        }
    }

    /// The body of a download. If its type is JSON, or with `always` if it begins with a brace, it is first checked for
    /// an API error sent with a success status. `always` is for archives, which do not begin with a brace; a log may.
    nonisolated(nonsending) private func checkedStream(
        _ answer: Answer, stalls: Bool = true, always: Bool
    ) async throws(APIError) -> ByteStream {
        let body = stream(answer, stalls: stalls)
        let type = answer.response.headers.first(name: "content-type")?.lowercased() ?? ""
        let isJSON = type.hasPrefix("application/json") || type.hasPrefix("application/problem+json")
        guard isJSON || always else { return body }
        var iterator = body.makeAsyncIterator()
        var beginning: [BodyChunk] = []
        var bytes: [UInt8] = []
        while bytes.count < 65_536 {
            let chunk: BodyChunk?
            do throws(APIError) {
                chunk = try await iterator.next()
            } catch {
                return ByteStream(beginning: beginning, rest: iterator, failure: error)
            }
            guard let chunk else {
                if let error = disguised(bytes, answer) { throw error }
                break
            }
            beginning.append(chunk)
            bytes += chunk.bytes
            if !isJSON, bytes.first != UInt8(ascii: "{") { break }
        }
        return ByteStream(beginning: beginning, rest: iterator, failure: nil)
    }
}

extension SessionRunRequest {
    /// The values that a server may repeat in an error. Values of `env` are left out: they are secrets.
    var sent: [String] {
        [location, image, version, ttl, externalID].compactMap { $0 } + (args ?? []) + (env ?? [:]).keys
            + (labels ?? [:]).flatMap { [$0.key, $0.value] }
    }
}

extension SessionListQuery {
    /// The values that a server may repeat in an error.
    var sent: [String] {
        [location, image, tag, host].compactMap { $0 } + carrying + carryingNone
            + filter.flatMap { [$0.key, $0.value] } + filterNot.flatMap { [$0.key, $0.value] }
    }
}
