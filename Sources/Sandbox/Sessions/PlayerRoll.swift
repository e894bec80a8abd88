import Text

/// The players of one session, without duplicates, in the order they joined.
struct PlayerRoll: Sendable {
    private(set) var names: [String] = []
    private var known: ByteSet = []

    var count: Int { names.count }

    mutating func join(_ players: [String]) {
        for player in players where known.insert(player).inserted { names.append(player) }
    }

    /// Removes players.
    /// - Returns: whether any of them had joined.
    mutating func leave(_ players: ByteSet) -> Bool {
        let here = players.filter { known.contains($0) }
        guard !here.isEmpty else { return false }
        for player in here { known.remove(player) }
        names.removeAll { !known.contains($0) }
        return true
    }
}
