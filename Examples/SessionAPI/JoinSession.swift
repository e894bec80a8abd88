import SessionAPI

/// join-session: registers players with a session.
func joinPlayers(_ api: some SessionOperations, id: String, players: [String]) async throws(APIError) {
    let roster = try await api.joinSession(id, players: players)
    print("join-session: \(roster.players.joined(separator: ", ")) joined, \(roster.count) in the session now")
}
