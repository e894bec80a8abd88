import SessionAPI

/// session-run: starts a session and returns its id.
func runSession(_ api: some SessionOperations, image: String, location: String) async throws(APIError) -> String {
    let request = SessionRunRequest(
        location: location, image: image, env: ["MAP": "harbour"], labels: ["mode": "ranked"], ttl: "10m")
    do throws(APIError) {
        let session = try await api.sessionRun(request)
        print("session-run: \(session.id) on \(session.host)")
        for port in session.ports { print("  \(port.type) \(port.container) is \(port.host)") }
        return session.id
    } catch {
        // After a failed start a session may still be running, and somebody has to stop it.
        if error.mayHaveActed { print("session-run: check on \(error.session ?? "it"), it may be running") }
        throw error
    }
}
