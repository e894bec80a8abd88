import SessionAPI

/// session-stop: asks a session to end. A session that has already ended is not an error.
func stopSession(_ api: some SessionOperations, id: String) async throws(APIError) {
    do throws(APIError) {
        try await api.sessionStop(id)
        print("session-stop: \(id) was told to end")
    } catch {
        guard error.kind == .conflict else { throw error }
        print("session-stop: \(id) has already ended")
    }
}
