internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// An artifact on its way: what the server said about it, and its bytes.
public struct ArtifactDownload: Sendable {
    /// What the server said about the archive.
    public let head: BodyHead
    /// The archive's bytes, to be iterated once.
    public let body: ByteStream
}

extension SessionAPIClient {
    /// session-run: starts a session.
    /// - Throws: among others `conflict` (the id is taken), `capacity` (try again in seconds), `quota`.
    public func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession {
        let body = try json(request, .sessionRun)
        let call = Call(method: .POST, endpoint: endpoint("session"), body: body)
        var started = try await answer(StartedSession.self, call, .sessionRun, session: request.id)
        if started.id == nil { started.id = request.id }
        return started
    }

    /// session-list: hands over each session as it arrives, without ever holding the list.
    /// - Parameters:
    ///   - query: which sessions; the default asks for running ones.
    ///   - entry: called for each session in the server's order.
    /// - Returns: how many there were, once the list has arrived completely, and which of them are damaged.
    /// - Throws: also after entries were handed over, when the list is cut or damaged: absence from such a list means
    ///   nothing.
    nonisolated(nonsending) public func sessionList(
        _ query: SessionListQuery = SessionListQuery(), entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        var endpoint = endpoint("session")
        query.add(to: &endpoint)
        let begun = ContinuousClock.now
        let (response, context) = try await send(Call(method: .GET, endpoint: endpoint), .sessionList)
        var decoder = SessionListDecoder()
        let most = configuration.maximumList
        do {
            for try await chunk in stream(response, context, within: configuration.listTimeout, since: begun) {
                guard decoder.summary.bytes <= most else {
                    throw context.error(.invalidAnswer, "the list is larger than \(most) bytes")
                }
                try chunk.withUnsafeBytes { (bytes) throws(SessionListError) in
                    try decoder.push(bytes, entry: entry)
                }
            }
            return try decoder.finish(entry: entry)
        } catch let error as SessionListError {
            let kind: APIError.Kind = error.code == .truncated ? .truncated : .invalidAnswer
            var failure = context.error(kind, "\(error.message), at byte \(error.offset) of the list")
            failure.status = Int(response.status.code)
            throw failure
        } catch {
            throw context.failure(error, during: .body(received: decoder.summary.bytes))
        }
    }

    /// session-list: all sessions in memory. For long lists use the form that hands them over one by one.
    /// - Throws: when the list is cut or damaged.
    public func sessionList(_ query: SessionListQuery = SessionListQuery()) async throws(APIError) -> SessionList {
        var sessions: [SessionEntry] = []
        let summary = try await sessionList(query) { sessions.append($0) }
        return SessionList(sessions: sessions, rejected: summary.rejected)
    }

    /// describe-session: everything the API knows about one session.
    /// - Throws: among others `notFound`.
    public func describeSession(_ id: String) async throws(APIError) -> SessionDescription {
        try require(id, "a session id", .describeSession)
        let call = Call(method: .GET, endpoint: endpoint("session", id))
        return try await answer(SessionDescription.self, call, .describeSession, session: id)
    }

    /// session-stop: sends SIGTERM to a session.
    /// - Throws: among others `notFound` and `conflict` (it has ended already).
    public func sessionStop(_ id: String) async throws(APIError) {
        try require(id, "a session id", .sessionStop)
        let call = Call(method: .DELETE, endpoint: endpoint("session", id))
        _ = try await send(call, .sessionStop, session: id)
    }

    /// join-session: registers players with a session.
    /// - Throws: among others `notFound` and `unprocessable`.
    public func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster {
        let body = try json(PlayersRequest(session: session, players: players), .joinSession)
        let call = Call(method: .PUT, endpoint: endpoint("session", "player", "join"), body: body)
        return try await answer(PlayerRoster.self, call, .joinSession, session: session)
    }

    /// leave-session: removes players from the session they are in.
    /// - Throws: among others `notFound` and `unprocessable`.
    public func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster {
        let body = try json(PlayersRequest(players: players), .leaveSession)
        let call = Call(method: .DELETE, endpoint: endpoint("session", "player", "leave"), body: body)
        return try await answer(PlayerRoster.self, call, .leaveSession)
    }

    /// artifacts: starts the download of one file or folder of an ended session's container.
    /// - Parameters:
    ///   - session: the session's id.
    ///   - path: an absolute path inside the container.
    /// - Returns: the head at once; the bytes as the body is iterated.
    /// - Throws: among others `notFound`, which stands for no such session, a container that is gone, or no such path.
    public func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload {
        try require(session, "a session id", .artifacts)
        try require(path, "a path", .artifacts)
        var endpoint = endpoint("artifacts")
        endpoint.query("session", session)
        endpoint.query("path", path)
        let accept = "application/x-tar, application/gzip, application/octet-stream, */*"
        let call = Call(method: .GET, endpoint: endpoint, accept: accept, lane: .downloads)
        let (response, context) = try await send(call, .artifacts, session: session)
        return ArtifactDownload(head: BodyHead(response), body: stream(response, context))
    }

    /// get-available-locations: where an image can be hosted now.
    /// - Throws: among others `notFound` (no such image).
    public func availableLocations(image: String) async throws(APIError) -> [AvailableLocation] {
        try require(image, "an image", .availableLocations)
        let call = Call(method: .GET, endpoint: endpoint("available-location", image))
        return try await answer(AvailableLocations.self, call, .availableLocations).locations
    }

    /// tag-exists: whether a version of an image is available in a region.
    /// - Throws: among others `notFound` (no such image) and `badRequest`.
    public func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool {
        try require(region, "a region", .tagExists)
        try require(image, "an image", .tagExists)
        try require(version, "a version", .tagExists)
        let call = Call(method: .GET, endpoint: endpoint("tag", region, image, version))
        return try await answer(TagAnswer.self, call, .tagExists).exists
    }

    /// stream-logs: what a session wrote to stdout and stderr.
    /// - Parameters:
    ///   - session: the session's id.
    ///   - follow: keep the stream open and hand over new output until the session ends; false ends with what has been
    ///     written so far. A followed log has no stall limit.
    /// - Throws: among others `notFound`.
    public func streamLogs(session: String, follow: Bool = false) async throws(APIError) -> LogStream {
        try require(session, "a session id", .streamLogs)
        var endpoint = endpoint("logs")
        endpoint.query("id", session)
        if follow { endpoint.query("follow", "true") }
        let call = Call(
            method: .GET, endpoint: endpoint, accept: "text/plain, */*;q=0.1", lane: follow ? .followers : .downloads)
        let (response, context) = try await send(call, .streamLogs, session: session)
        return LogStream(head: BodyHead(response), stream: stream(response, context, stalls: !follow))
    }

    /// Refuses an empty argument, which would address something else than was meant.
    private func require(_ value: String, _ what: String, _ operation: Operation) throws(APIError) {
        guard value.isEmpty else { return }
        throw APIError(.invalidArgument, operation: operation, message: "\(what) must not be empty")
    }
}
