import Catalog
import Pack
import Synchronization
import Text

extension HarvestRunner {
    /// What the spool holds that is in no pack, and of which sessions.
    struct TakenUp {
        /// Downloads that nothing proves to be in a pack.
        var leftovers: [Spool.Leftovers] = []
        /// Followed logs of sessions that are not done, by session.
        var followed: ByteDictionary<[SpooledFile]> = [:]
        /// Sessions that the ledger called done, or that only an ingest by hand knew, with their artifacts' rows.
        var reopened: [(record: SessionRecord, rows: [ArtifactRecord])] = []
        /// Their names.
        var reopenedNames: ByteSet = []
        /// Sessions of which the ledger knows nothing.
        var unknown: [SessionFacts] = []
    }

    /// Removes from the spool what is proven to be in a pack, and takes up the rest, whatever the ledger was made to say
    /// of its session: to pack a download twice does no harm.
    func takeUp(_ found: [Spool.Leftovers], _ live: [Spool.Leftovers]) async throws -> TakenUp {
        var taken = TakenUp()
        for var leftovers in found {
            let session = leftovers.manifest.facts.session
            let (record, packed) = try await known(session)
            let isPacked = { (file: SpooledFile) in packed.contains(PackedDownload(file)) }
            let (spool, gone) = (spool, leftovers.files.filter(isPacked).map(\.path))
            try await disk.run { spool.remove(gone) }
            leftovers.files.removeAll(where: isPacked)
            guard !leftovers.files.isEmpty else {
                // Committed, and killed before the spool was dropped.
                if record?.state.isFinal ?? false { await sweepUp(session, live: false) }
                continue
            }
            taken.leftovers.append(leftovers)
            try await reopen(leftovers.manifest.facts, record, &taken)
        }
        for leftovers in live {
            let session = leftovers.manifest.facts.session
            let (record, packed) = try await known(session)
            guard record?.state.isFinal ?? false else {
                taken.followed[session] = leftovers.files
                continue
            }
            let stem = PackPath.escaped(FetchItem.logs) + "."
            if leftovers.files.isEmpty || packed.contains(where: { $0.name.hasPrefix(stem) }) {
                // The pack's log holds it, or it was packed beside that.
                await sweepUp(session, live: true)
            } else {
                taken.followed[session] = leftovers.files
                try await reopen(leftovers.manifest.facts, record, &taken)
            }
        }
        let reopened = taken.reopened.map { SessionUpdate(reopening: $0.record) }
        if !reopened.isEmpty { try await parts.catalog.perform { try $0.record(sessions: reopened) } }
        return taken
    }

    /// Drops what is left of a session that is packed; what cannot be removed now is left to the next run.
    private func sweepUp(_ session: String, live: Bool) async {
        do {
            try await dropSpool(session, live: live)
        } catch {
            parts.observer.event(.storeTrouble("the spool of \(session) was not removed; the next run does: \(error)"))
        }
    }

    private func known(_ session: String) async throws -> (SessionRecord?, Set<PackedDownload>) {
        try await parts.catalog.perform { (try $0.session(session), try $0.packedDownloads(session)) }
    }

    private func reopen(_ facts: SessionFacts, _ record: SessionRecord?, _ taken: inout TakenUp) async throws {
        let session = facts.session
        guard var record else { return taken.unknown.append(facts) }
        guard record.state.isFinal || record.source == "ingest", taken.reopenedNames.insert(session).inserted else {
            return
        }
        record.state = .pending
        record.source = "harvest"
        let rows = try await parts.catalog.perform { try $0.artifacts(session) }
        taken.reopened.append((record, rows))
    }

    /// Removes what is left of a session in the spool, but no download of which nothing proves that it is in a pack.
    func dropSpool(_ session: String, live: Bool, discarding: Bool = false) async throws {
        let spool = spool
        let left = try await disk.run { try spool.drop(session, live: live, discarding: discarding) }
        for path in left {
            parts.observer.event(
                .storeTrouble(
                    "a download of session \(session) is in no pack yet; it stays in the spool, and the next harvest or start of "
                        + "watch packs it: \(path)"))
        }
        if left.isEmpty { state.withLock { $0.batch.released.append(session) } }
    }
}

extension PackedDownload {
    /// A download as it lies in the spool.
    init(_ file: SpooledFile) {
        let name = file.path.utf8.lastIndex(of: UInt8(ascii: "/")).map { file.path[file.path.index(after: $0)...] }
        self.init(name: name.map(String.init) ?? file.path, bytes: file.bytes, modified: file.modified)
    }
}

extension SessionUpdate {
    /// What the ledger says of a session that is done once downloads of it were found in the spool.
    fileprivate init(reopening record: SessionRecord) {
        self.init(
            session: record.session, state: .pending, reason: "downloads of it lie in the spool and are in no pack yet")
        source = "harvest"
    }
}
