import Catalog
import Harvest
import Model
import Text

/// Sessions whose downloads are in the spool but could not be packed, because of a fault of this machine.
public struct PackBacklog: Sendable {
    /// The number of these sessions.
    public let sessions: Int
    /// The reason of one of them.
    public let reason: String?

    init(_ catalog: Catalog) throws(CatalogError) {
        let reasons = try catalog.sessions(Selection(states: [.pending])).compactMap(\.packTrouble)
        sessions = reasons.count
        reason = reasons.first
    }

    /// A sentence with the number and the reason, which may contain text from containers; nil if there are none.
    public var words: String? {
        reason.map { "\(counted(sessions, "session waits", "sessions wait")) in the spool to be packed: \($0)" }
    }
}
