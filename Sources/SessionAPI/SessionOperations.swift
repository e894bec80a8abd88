/// The ten operations of the Session API.
///
/// ``SessionAPIClient`` carries them out over HTTP, ``RetryingSessionAPI`` repeats those that failed in passing, and a type of
/// your own stands in for a server in your tests: every model and stream has a public initialiser.
public protocol SessionOperations: Sendable {
    /// session-run: starts a session.
    func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession

    /// session-list: hands over each session as it arrives.
    /// - Parameters:
    ///   - query: which sessions.
    ///   - entry: called for each session in the server's order.
    /// - Returns: how many there were, and which of them are damaged.
    /// - Throws: also after entries were handed over, when the list is cut: absence from such a list means nothing.
    nonisolated(nonsending) func sessionList(
        _ query: SessionListQuery, entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary

    /// describe-session: everything the API knows about one session.
    func describeSession(_ id: String) async throws(APIError) -> SessionDescription

    /// session-stop: sends SIGTERM to a session.
    func sessionStop(_ id: String) async throws(APIError)

    /// join-session: registers players with a session.
    func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster

    /// leave-session: removes players from the sessions they are in.
    func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster

    /// artifacts: starts the download of one file or folder of an ended session's container.
    /// - Returns: the head at once; the bytes as the body is iterated.
    func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload

    /// get-available-locations: where an image can be hosted now.
    func availableLocations(image: String) async throws(APIError) -> [AvailableLocation]

    /// tag-exists: whether a version of an image is available in a region.
    func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool

    /// stream-logs: what a session wrote to stdout and stderr.
    /// - Parameters:
    ///   - session: the session's id.
    ///   - follow: keep the stream open until the session ends; false ends with what has been written so far.
    func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream

    /// The same operations, each bounded to a time from its beginning to the end of its answer, or to a shorter one that was
    /// set before. A type that does not implement it returns itself, without a bound.
    func limited(to limit: Duration) -> Self
}

extension SessionOperations {
    /// Itself: there is nothing to bound.
    public func limited(to limit: Duration) -> Self { self }

    /// session-list: hands over each running session as it arrives.
    /// - Parameter entry: called for each session in the server's order.
    nonisolated(nonsending) public func sessionList(
        entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        try await sessionList(SessionListQuery(), entry: entry)
    }

    /// session-list: all sessions in memory. For long lists use the form that hands them over one by one.
    /// - Parameter query: which sessions; the default asks for running ones.
    /// - Throws: when the list is cut or damaged.
    public func sessionList(_ query: SessionListQuery = SessionListQuery()) async throws(APIError) -> SessionList {
        var sessions: [SessionEntry] = []
        let summary = try await sessionList(query) { sessions.append($0) }
        return SessionList(sessions: sessions, rejected: summary.rejected)
    }

    /// stream-logs: what a session has written so far.
    /// - Parameter session: the session's id.
    public func streamLogs(session: String) async throws(APIError) -> LogStream {
        try await streamLogs(session: session, follow: false)
    }
}
