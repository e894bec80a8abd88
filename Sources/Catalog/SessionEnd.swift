internal import Pack

extension SessionFacts {
    /// These facts with the end of an ingested session for which none was given: the newest time in the lines of its
    /// logs or, where they have none, at which one of its members was changed last.
    ///
    /// Nothing later than the moment of the ingest counts, which is when its end was first seen; nothing earlier than
    /// its creation either. Derived from the pack each time, so that a catalog that is rebuilt says the same.
    func withEnd(members: [Member]) -> SessionFacts {
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
    /// Whether such a member has content of its own: a folder or a link says nothing of when something was written.
    fileprivate var isContent: Bool {
        switch self {
        case .log, .crashDump, .text, .binary: true
        case .directory, .symlink, .hardlink, .device, .fifo: false
        }
    }
}
