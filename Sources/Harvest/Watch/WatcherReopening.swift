import Text

extension Watcher {
    /// Takes a session that is done up again, because more is wanted of it.
    ///
    /// - Returns: nothing where it is not done, or where another container has its id now: that one's files are not
    ///   this one's.
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

    /// Whether ``reopen(_:)`` takes a session up.
    func mayReopen(_ session: ExitedSession) -> Bool {
        guard let known = keys[session.key] else { return slots[session.identity.id] == nil }
        return marks[known].phase == .done && slots[session.identity.id] == known
    }

    /// The sessions that are thought to run, with what is known of each.
    var runningSessions: [(key: String, identity: SessionIdentity)] {
        marks.indices.compactMap { slot in
            marks[slot].phase.rawValue <= Phase.unclear.rawValue ? (tracks[slot].key, tracks[slot].identity) : nil
        }
    }
}
