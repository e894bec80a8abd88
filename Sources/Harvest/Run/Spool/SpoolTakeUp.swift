import Catalog
import Ingest
import Model
import Pack
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// The unpacked downloads in the spool, and their sessions.
    struct TakenUp {
        /// Downloads that are not proven to be in a pack.
        var leftovers: [Spool.Leftovers] = []
        /// Followed logs of unfinished sessions, by session.
        var followed: ByteDictionary<[SpooledFile]> = [:]
        /// Sessions that were finished, or that only `salvage ingest` recorded, with their artifacts' rows.
        var reopened: [(record: SessionRecord, rows: [ArtifactRecord])] = []
        /// The keys of the reopened sessions.
        var reopenedNames: ByteSet = []
        /// Sessions that the ledger does not know.
        var unknown: [SessionMetadata] = []
    }

    /// Removes from the spool what is proven to be in a pack, and takes up the rest, even if the ledger has its session
    /// as finished. Packing a download twice does no harm.
    ///
    /// - Parameter recordsReopened: whether to record here that finished sessions are open again.
    func takeUp(
        _ found: [Spool.Leftovers], _ live: [Spool.Leftovers], recordsReopened: Bool = true
    ) async throws -> TakenUp {
        var taken = TakenUp()
        for var leftovers in found {
            let session = leftovers.manifest.facts.session
            let (record, packed) = try await known(session)
            let isPacked = { (file: SpooledFile) in packed.contains(PackedDownload(file)) }
            let (spool, gone) = (spool, leftovers.files.filter(isPacked).map(\.path))
            try await disk.run { spool.remove(gone) }
            leftovers.files.removeAll(where: isPacked)
            guard !leftovers.files.isEmpty else {
                // A run was killed between the commit and dropping the spool.
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
                // The pack's log contains it, or it was packed as well.
                await sweepUp(session, live: true)
            } else {
                taken.followed[session] = leftovers.files
                try await reopen(leftovers.manifest.facts, record, &taken)
            }
        }
        let reopened = taken.reopened.map { SessionUpdate(reopening: $0.record) }
        if recordsReopened, !reopened.isEmpty { try await parts.catalog.perform { try $0.record(sessions: reopened) } }
        return taken
    }

    /// Drops the rest of a packed session; what cannot be removed now is left to the next run.
    private func sweepUp(_ session: String, live: Bool) async {
        do {
            try await dropSpool(session, live: live)
        } catch {
            parts.observer.event(
                .storeTrouble("could not remove the spool of \(session); the next run tries again: \(error)"))
        }
    }

    private func known(_ session: String) async throws -> (SessionRecord?, Set<PackedDownload>) {
        let home = parts.home
        return try await parts.catalog.perform { (try $0.session(session), try $0.packedDownloads(session, in: home)) }
    }

    private func reopen(_ facts: SessionMetadata, _ record: SessionRecord?, _ taken: inout TakenUp) async throws {
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

    /// Removes the rest of a session from the spool, except downloads that are not proven to be in a pack.
    func dropSpool(_ session: String, live: Bool, discarding: Bool = false) async throws {
        let spool = spool
        let left = try await disk.run { try spool.drop(session, live: live, discarding: discarding) }
        for path in left {
            parts.observer.event(
                .storeTrouble(
                    "a download of session \(session) is not in a pack yet; it stays in the spool, and the next "
                        + "harvest or start of watch packs it: \(path)"))
        }
        if left.isEmpty { state.withLock { $0.batch.released.append(session) } }
    }
}

extension PackedDownload {
    /// Makes the identity of a download in the spool.
    init(_ file: SpooledFile) {
        let name = file.path.utf8.lastIndex(of: UInt8(ascii: "/")).map { file.path[file.path.index(after: $0)...] }
        self.init(name: name.map(String.init) ?? file.path, bytes: file.bytes, modified: file.modified)
    }
}

extension SessionUpdate {
    /// Makes the ledger update that reopens a finished session because the spool has downloads of it.
    fileprivate init(reopening record: SessionRecord) {
        self.init(
            session: record.session, state: .pending, reason: "downloads in the spool are not in a pack yet")
        source = "harvest"
    }
}
