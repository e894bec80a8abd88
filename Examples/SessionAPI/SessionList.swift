import SessionAPI

/// session-list: prints sessions as they arrive, however long the list is.
func listSessions(_ api: some SessionOperations) async throws(APIError) {
    let query = SessionListQuery(all: true, filter: ["mode": "ranked"])
    let summary = try await api.sessionList(query) { session in
        print("session-list: \(session.id) \(session.status?.rawValue ?? "?") at \(session.location)")
    }
    // An entry that could not be read does not mean that its session is gone.
    if summary.rejected > 0 { print("session-list: entries that could not be read: \(summary.rejected)") }
}
