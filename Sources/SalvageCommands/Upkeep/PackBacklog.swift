import Catalog
import Harvest
import Model
import Terminal
import Text

/// Sessions whose downloads are in the spool but could not be packed, because of a fault of this machine.
struct PackBacklog {
    /// The number of these sessions.
    let sessions: Int
    /// The reason of one of them.
    let reason: String?

    init(_ catalog: Catalog) throws {
        let reasons = try catalog.sessions(Selection(states: [.pending])).compactMap(\.packTrouble)
        sessions = reasons.count
        reason = reasons.first
    }

    /// A sentence with both; nil if there are none.
    var words: String? {
        guard let reason else { return nil }
        return counted(sessions, "session waits", "sessions wait")
            + " in the spool to be packed: \(Escape.display(reason))"
    }
}
