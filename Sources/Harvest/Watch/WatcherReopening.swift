import Model
import Text

extension Watcher {
    /// Reopens a finished session, to fetch more of it.
    ///
    /// - Returns: no action when the session is not finished, or when another container has its id now: the API would
    ///   return that container's files.
    mutating func reopen(_ session: ExitedSession) -> [Action] {
        guard mayReopen(session) else { return [] }
        let slot: Int
        if let known = keys[session.key] {
            slot = known
            tracks[slot].identity = session.identity
            marks[slot].phase = .pending
        } else {
            slot = insert(session.identity, key: session.key, phase: .pending, now: session.notBefore)
        }
        tracks[slot].exitedAt = session.exitedAt
        tracks[slot].deadline = session.deadline
        tracks[slot].crashed = session.crashed
        return [.exited(session)]
    }

    /// Returns whether ``reopen(_:)`` would reopen a session.
    func mayReopen(_ session: ExitedSession) -> Bool {
        guard let known = keys[session.key] else { return slots[session.identity.id] == nil }
        return marks[known].phase == .done && slots[session.identity.id] == known
    }

    /// Forgets a session that another harvester watches.
    mutating func drop(_ key: String) {
        if let slot = keys[key] { forget(slot) }
    }

    /// The sessions that ended and are not settled.
    var pendingSessions: [String] {
        marks.indices.compactMap { marks[$0].phase == .pending ? tracks[$0].key : nil }
    }

    /// The sessions believed to be running, with their metadata.
    var runningSessions: [(key: String, identity: SessionIdentity)] {
        marks.indices.compactMap { slot in
            marks[slot].phase.rawValue <= Phase.unclear.rawValue ? (tracks[slot].key, tracks[slot].identity) : nil
        }
    }
}
