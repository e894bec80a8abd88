import Text

extension Watcher {
    /// Takes a session that is done up again, because more is wanted of it.
    ///
    /// - Returns: nothing where it is not done, or where another container has its id now: that one's files are not
    ///   this one's.
    mutating func reopen(_ session: ExitedSession) -> [Action] {
        let slot: Int
        if let known = keys[session.key] {
            guard marks[known].phase == .done, slots[session.identity.id] == known else { return [] }
            slot = known
            tracks[slot].identity = session.identity
            marks[slot].phase = .pending
        } else {
            guard slots[session.identity.id] == nil else { return [] }
            slot = insert(session.identity, key: session.key, phase: .pending, now: session.notBefore)
        }
        tracks[slot].exitedAt = session.exitedAt
        tracks[slot].deadline = session.deadline
        tracks[slot].crashed = session.crashed
        return [.exited(session)]
    }

    /// The sessions that are thought to run, with what is known of each.
    var runningSessions: [(key: String, identity: SessionIdentity)] {
        marks.indices.compactMap { slot in
            marks[slot].phase.rawValue <= Phase.unclear.rawValue ? (tracks[slot].key, tracks[slot].identity) : nil
        }
    }
}
