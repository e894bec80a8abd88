import Catalog
import Model
import Pack
import Synchronization
import Text

/// Sessions that `salvage ingest` created before the API listed them. Their pack stays; the rest is harvested as usual.
extension HarvestRunner {
    /// The ledger's record of a session that a list contains for the first time in this run.
    struct KnownSession {
        var record: SessionRecord
        var identity: SessionIdentity
        /// The rows of its artifacts if only `salvage ingest` recorded it; nil if a harvest did.
        var rowsByHand: [ArtifactRecord]?
    }

    static func known(_ sighting: Sighting, _ catalog: Catalog) throws -> KnownSession? {
        let id = sighting.identity.id
        var names = [RunKey.first(id: id)]
        if let created = sighting.identity.created {
            names.insert(RunKey.later(id: id, created: created), at: 0)
        }
        // The key in ledgers of earlier versions.
        if !names.contains(where: { $0.hasSameBytes(as: id) }) { names.append(id) }
        for name in names {
            guard let record = try catalog.session(name) else { continue }
            guard record.apiIdentity.id.hasSameBytes(as: id) else { continue }
            var known = KnownSession(record: record, identity: sighting.identity)
            // A record of an earlier creation is another container.
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

    /// Returns the named sessions that only `salvage ingest` recorded.
    func namedByHand(_ request: Selection) async throws -> [String] {
        guard !request.sessions.isEmpty else { return [] }
        return try await parts.catalog.perform { try $0.sessions(request) }.filter { $0.source == "ingest" }.map(
            \.session)
    }

    /// Looks up a session that was ingested by hand in the API; adds a refusal to the summary when that fails.
    func lookUpByHand(_ session: String) async {
        guard let failure = await lookUp(session) else { return }
        let reason =
            failure.code == .unknownSession
            ? "this session was imported with salvage ingest and is unknown to the API" : failure.message
        state.withLock { $0.summary.refusals.append(HarvestRefusal(session: session, reason: reason)) }
    }
}

extension HarvestState {
    /// Takes over a session that only `salvage ingest` recorded, before the watcher sees the list that contains it.
    mutating func takeOver(_ record: SessionRecord, _ rows: [ArtifactRecord], _ identity: SessionIdentity) {
        let key = record.session
        guard contexts[key] == nil, !watcher.knows(identity.id) else { return }
        if let pack = record.pack { packs[key] = pack }
        var session = ExitedSession(reopening: record)
        session.identity = identity
        let job = FetchJob.plan(for: session, by: configuration)
        let wanted = ByteSet(job.items.filter { !$0.probe }.map(\.artifact))
        let outcomes = rows.map { row in
            // A file imported under that name is not necessarily the container's.
            wanted.contains(row.entry.artifact) ? row.entry.requestedAgain : row.entry
        }
        remembered[key] = outcomes
        for outcome in outcomes where outcome.state == .pending {
            batch.artifacts.append(ArtifactRecord(session: key, entry: outcome))
        }
    }
}
