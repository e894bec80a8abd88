import Model
internal import Pack

extension SessionMetadata {
    /// These facts with an estimated end for an ingested session without one: the newest timestamp in its logs or, if
    /// there is none, the latest change of a member.
    ///
    /// The end is not after the ingest, which is `firstSeenExited`, and not before the session's creation. It is
    /// derived from the pack each time, so that a rebuilt catalog has the same end.
    func withEnd(members: [Member]) -> SessionMetadata {
        guard source == "ingest", exited == nil, let now = firstSeenExited else { return self }
        let changed = members.lazy.filter { $0.kind.isContent }.map { $0.mtime / 1_000_000 }.filter {
            $0 > 0 && $0 <= now
        }.max()
        guard let end = lastLogged.map({ min($0, now) }) ?? changed else { return self }
        var facts = self
        facts.exited = min(now, max(end, created ?? end))
        return facts
    }
}

extension MemberKind {
    /// Whether such a member has its own content: the times of directories and links do not show when something was
    /// written.
    fileprivate var isContent: Bool {
        switch self {
        case .log, .crashDump, .text, .binary: true
        case .directory, .symlink, .hardlink, .device, .fifo: false
        }
    }
}
