import Catalog
import Harvest
import Terminal

/// Sessions whose downloads are here and could not be packed, for a reason of this machine.
struct PackBacklog {
    /// How many there are.
    let sessions: Int
    /// The reason of one of them.
    let reason: String?

    init(_ catalog: Catalog) throws {
        let reasons = try catalog.sessions(Selection(states: [.pending])).compactMap(\.packTrouble)
        sessions = reasons.count
        reason = reasons.first
    }

    /// Both in a sentence; nil where there are none.
    var words: String? {
        guard let reason else { return nil }
        return (sessions == 1 ? "1 session waits" : "\(sessions) sessions wait")
            + " in the spool to be packed: \(Escape.display(reason))"
    }
}
