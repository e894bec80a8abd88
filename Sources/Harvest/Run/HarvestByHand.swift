import Catalog
import Pack
import Synchronization
import Text

/// Sessions into which files were ingested by hand before the API named them: what is in their pack stays, and the rest is
/// harvested like that of any other session.
extension HarvestRunner {
    /// What the ledger knows of a session that a list names for the first time in this run.
    struct KnownSession {
        var record: SessionRecord
        var identity: SessionIdentity
        /// The rows of its artifacts where only an ingest by hand knows it; nil where a harvest does.
        var rowsByHand: [ArtifactRecord]?
    }

    static func known(_ sighting: Sighting, _ catalog: Catalog) throws -> KnownSession? {
        let id = sighting.identity.id
        var names = [RunKey.first(id: id)]
        if let created = sighting.identity.created {
            names.insert(RunKey.later(id: id, created: created), at: 0)
        }
        // As ledgers of earlier versions have it.
        if !names.contains(where: { $0.hasSameBytes(as: id) }) { names.append(id) }
        for name in names {
            guard let record = try catalog.session(name) else { continue }
            guard RememberedSession(record, nil).identity.id.hasSameBytes(as: id) else { continue }
            var known = KnownSession(record: record, identity: sighting.identity)
            // One that was made before is another container.
            let created = sighting.identity.created ?? .min
            let isSameRun = record.created.map { created <= $0 &+ 1999 } ?? true
            if record.source == "ingest" {
                if isSameRun, name.hasSameBytes(as: RunKey.first(id: id)) {
                    known.rowsByHand = try catalog.artifacts(name)
                } else if !record.state.isFinal {
                    known.record.state = .partial
                }
            }
            return known
        }
        return nil
    }

    /// The named sessions that only an ingest by hand knows.
    func namedByHand(_ request: Selection) async throws -> [String] {
        guard !request.sessions.isEmpty else { return [] }
        return try await parts.catalog.perform { try $0.sessions(request) }.filter { $0.source == "ingest" }.map(
            \.session)
    }

    /// Asks the API for a session that was ingested by hand.
    func lookUpByHand(_ session: String) async {
        guard let failure = await lookUp(session) else { return }
        let reason =
            failure.code == .unknownSession
            ? "it was ingested by hand, and the API does not know it" : failure.message
        state.withLock { $0.summary.refusals.append(HarvestRefusal(session: session, reason: reason)) }
    }
}

extension HarvestState {
    /// Takes over a session that only an ingest by hand knows, before the list that names it is taken in.
    mutating func takeOver(_ record: SessionRecord, _ rows: [ArtifactRecord], _ identity: SessionIdentity) {
        let key = record.session
        guard contexts[key] == nil, !watcher.knows(identity.id) else { return }
        if let pack = record.pack { packs[key] = pack }
        var session = ExitedSession(reopening: record)
        session.identity = identity
        let job = FetchJob.plan(for: session, by: configuration)
        let wanted = ByteSet(job.items.filter { !$0.probe }.map(\.artifact))
        let outcomes = rows.map { row in
            var outcome = ArtifactOutcome(row.entry)
            // A file of that name from somewhere else is not what the container has.
            if wanted.contains(outcome.artifact) { (outcome.state, outcome.reason) = (.pending, nil) }
            return outcome
        }
        remembered[key] = outcomes
        for outcome in outcomes where outcome.state == .pending {
            batch.artifacts.append(ArtifactRecord(session: key, entry: ArtifactEntry(outcome)))
        }
    }
}
