import SessionAPI

/// describe-session: prints what the API knows about one session. Nil when there is no such session.
func describeSession(_ api: some SessionOperations, id: String) async throws(APIError) -> SessionDescription? {
    do throws(APIError) {
        let description = try await api.describeSession(id)
        let session = description.session
        print("describe-session: \(session.image) \(session.tag ?? "?") is \(session.status?.rawValue ?? "?")")
        print("  labels \(session.labels.tags), players \(description.playersJoinedCount ?? 0)")
        return description
    } catch {
        guard error.kind == .notFound else { throw error }
        print("describe-session: there is no session \(id)")
        return nil
    }
}
