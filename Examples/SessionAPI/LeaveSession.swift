import SessionAPI

/// leave-session: removes players from the sessions they are in.
func removePlayers(_ api: some SessionOperations, players: [String]) async throws(APIError) {
    let roster = try await api.leaveSession(players: players)
    print("leave-session: \(roster.players.joined(separator: ", ")) left, \(roster.count) remain")
}
