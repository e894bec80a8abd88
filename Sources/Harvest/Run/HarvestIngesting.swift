import Catalog
import Glibc
import Ingest
import Model
import Pack
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// Packs a session's downloads, commits the pack to the catalog, and only then removes the downloads. Any failure
    /// on the way is local: the downloads stay in place, and the fetcher decides when to try again.
    func ingest(_ key: String, _ items: [Int]) async {
        guard let request = state.withLock({ $0.ingestRequest(key, items) }) else {
            change { state, now in
                state.progress.ingesting -= 1
                state.apply(state.fetcher.nothingPacked(key: key, now: now), now)
            }
            return
        }
        let packed: PackedRequest
        do {
            packed = try await pack(key, request)
        } catch {
            let reason = noteLocal(error)
            postpone(key, reason) { $0.packFailed(key: key, reason, now: $1) }
            return
        }
        let actions = change { state, now in
            let actions = state.fetcher.packed(
                key: key, packed.outcome.contents.artifacts, waiting: packed.outcome.waiting, now: now)
            if !actions.isEmpty { state.contexts[key]?.published = packed }
            return actions
        }
        var decided: Fetcher.Commit?
        for case .commit(_, let commit) in actions { decided = commit }
        await commit(key, packed, decided)
    }

    /// Commits a pack whose first commit failed.
    func commitAgain(_ key: String, _ decided: Fetcher.Commit) async {
        guard let packed = state.withLock({ $0.contexts[key]?.published }) else {
            change { state, _ in state.progress.ingesting -= 1 }
            return
        }
        await commit(key, packed, decided)
    }

    /// Commits a published pack, removes the downloads that it was made from, and continues with the session.
    ///
    /// - Parameter decided: the state and rows to record; nil when the session was withdrawn while it was packed.
    private func commit(_ key: String, _ packed: PackedRequest, _ decided: Fetcher.Commit?) async {
        do {
            // Each try waits long for the catalog's lock; a run that is ending must not wait once per session.
            if let known = state.withLock({ $0.stopping ? $0.summary.catalogTrouble : nil }) {
                throw HarvestError(.storeUnusable, known, session: key)
            }
            try await record(key, packed, decided)
        } catch let error as CatalogError where error.code == .leaseLost {
            change { state, _ in
                state.progress.ingesting -= 1
                state.loseFenced(key, error)
            }
            return
        } catch {
            let reason = "\(error)"
            state.withLock { state in
                state.contexts[key]?.pack = packed.outcome.contents.path
                // While the catalog is away, many packs may wait; the upkeep makes their filters.
                state.contexts[key]?.published?.outcome.filters = nil
                state.summary.catalogTrouble = reason
            }
            parts.observer.event(
                .storeTrouble("the pack of \(key) is not in the catalog yet, trying again: \(error)"))
            postpone(key, reason) { decided == nil ? [] : $0.commitFailed(key: key, reason, now: $1) }
            return
        }
        if packed.isTold(decided) { parts.observer.committed(key) }
        publishFilters(of: packed)
        let paths = packed.paths
        let waiting = packed.outcome.waiting
        let packsLogs = packed.files.contains { $0.artifact == FetchItem.logs } && waiting[FetchItem.logs] == nil
        // Remove the downloads before settling: what a settled session has in the spool is taken for unpacked.
        let spool = spool
        try? await disk.run { spool.remove(paths) }
        let wait = change { state, now in
            state.contexts[key]?.files.removeAll { file in
                paths.contains(file.path) || (file.isFollowed && packsLogs)
            }
            state.contexts[key]?.pack = packed.outcome.contents.path
            state.progress.ingesting -= 1
            if state.following { state.clearTroubles(waiting.isEmpty) }
            if decided != nil {
                state.contexts[key]?.published = nil
                state.apply(state.fetcher.committed(key: key, now: now), now)
            }
            return state.fetcher.packWait(of: key, now: now)
        }
        for reason in Set(waiting.values) {
            state.withLock { $0.summary.localTrouble = reason }
            parts.observer.event(.packingDeferred(session: key, reason: reason, wait: wait))
        }
    }

    private func pack(_ key: String, _ request: IngestRequest) async throws -> PackedRequest {
        var request = request
        request.files = try await expandLive(key, request.files)
        // A download that somebody removed from the spool is requested again.
        let (files, vanished) = try await disk.run { [files = request.files] in Self.look(at: files) }
        request.files = files
        request.giveUp(vanished)
        let outcome = try await parts.ingest.ingest(request)
        for damage in outcome.earlierDamage { parts.observer.event(.storeTrouble(damage)) }
        for aside in outcome.quarantined {
            parts.observer.event(.quarantined(session: key, path: store + "/" + aside.place, reason: aside.reason))
        }
        return PackedRequest(
            outcome: outcome, files: request.files, vanished: vanished.map(\.path), epoch: request.epoch)
    }

    /// Returns the files with their current sizes and times, and those that no longer exist.
    private static func look(at files: [SpooledFile]) -> (there: [SpooledFile], vanished: [SpooledFile]) {
        var there: [SpooledFile] = []
        var vanished: [SpooledFile] = []
        for var file in files {
            var facts = stat()
            if lstat(file.path, &facts) == 0 {
                file.bytes = UInt64(max(0, facts.st_size))
                file.modified = Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
            } else if errno == ENOENT {
                vanished.append(file)
                continue
            }
            there.append(file)
        }
        return (there, vanished)
    }

    /// Commits a pack, already synced under its name, to the catalog, after all pending ledger updates, in order.
    private func record(_ key: String, _ packed: PackedRequest, _ decided: Fetcher.Commit?) async throws {
        var found = packed.outcome.contents
        found.downloads = packed.downloads
        var contents = found
        if let decided {
            contents.facts.state = decided.state.rawValue
            contents.facts.reason = decided.reason
            contents.artifacts = decided.rows
        }
        try await parts.catalog.perform { [found, contents] catalog in
            try self.writeBatch(catalog)
            if packed.isTold(decided) { self.parts.observer.committing([key]) }
            // A session that was withdrawn meanwhile is not done just because a pack of it is.
            let isCurrent = self.state.withLock { decided != nil && $0.fetcher.isCommitting(key) }
            try self.enter(isCurrent ? contents : found, packed, isCurrent ? .harvest : .disk, in: catalog)
        }
    }

    /// Enters a published pack into the catalog; under its claim in a shared store.
    private func enter(
        _ contents: PackContents, _ packed: PackedRequest, _ source: PackSource, in catalog: Catalog
    ) throws {
        guard let work = parts.fleet else { return try catalog.commit(contents, from: source) }
        let key = contents.facts.session
        let fence = state.withLock { $0.fleet?.fence(key, epoch: Int64(clamping: packed.epoch)) }
        guard let fence else {
            throw HarvestError(.storeUnusable, "this machine is not a harvester of the store", session: key)
        }
        try work.commit(
            contents, from: source, fence: fence, superseded: packed.outcome.superseded, in: catalog)
    }

    /// Tells the fetcher of a local failure; it decides when to try again.
    private func postpone(
        _ key: String, _ reason: String, _ failed: (inout Fetcher, Int64) -> [Fetcher.Action]
    ) {
        let wait = change { state, now in
            state.progress.ingesting -= 1
            state.apply(failed(&state.fetcher, now), now)
            return state.fetcher.packWait(of: key, now: now)
        }
        parts.observer.event(.packingDeferred(session: key, reason: reason, wait: wait))
    }

    /// Waits for ingests that were running when the loop ended, until `end` at most, in milliseconds since 1970.
    func finishIngests(until end: Int64?) async {
        while state.withLock({ $0.progress.ingesting > 0 }) {
            if let end, Self.now() >= end { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A published pack and the downloads it was made from.
struct PackedRequest: Sendable {
    var outcome: IngestOutcome
    /// The downloads passed to ingest.
    var files: [SpooledFile]
    /// The paths of downloads that had vanished from the spool.
    var vanished: [String]
    /// The number of the claim under which it was made; 0 in a store that is not shared.
    var epoch: UInt64 = 0

    /// Whether people may want a message about what the commit records: crashes, or that something is lost.
    func isTold(_ decided: Fetcher.Commit?) -> Bool {
        if !outcome.contents.crashes.isEmpty { return true }
        guard let decided, decided.state != .pending else { return false }
        return decided.state == .lost || decided.rows.contains { $0.state == .lost }
    }

    /// The downloads that are in the pack.
    var downloads: [PackedDownload] { files.filter { outcome.waiting[$0.artifact] == nil }.map { PackedDownload($0) } }

    /// The paths of downloads that are in the pack or have vanished.
    var paths: [String] { files.filter { outcome.waiting[$0.artifact] == nil }.map(\.path) + vanished }
}

extension IngestRequest {
    /// Marks the artifacts of which no download is left in the spool.
    mutating func giveUp(_ vanished: [SpooledFile]) {
        for lost in vanished where !files.contains(where: { $0.artifact.hasSameBytes(as: lost.artifact) }) {
            for index in artifacts.indices where artifacts[index].artifact.hasSameBytes(as: lost.artifact) {
                artifacts[index].state = .failed
                artifacts[index].reason = "its download vanished from the spool before it was packed"
            }
        }
    }
}

extension HarvestState {
    /// Returns the ingest request for these items; nil when none has a file left.
    func ingestRequest(_ key: String, _ items: [Int]) -> IngestRequest? {
        guard let context = contexts[key], let artifacts = fetcher.artifacts(of: key) else { return nil }
        let wanted = ByteSet(items.filter(artifacts.indices.contains).map { artifacts[$0] })
        let files = context.files.filter { wanted.contains($0.artifact) }
        guard !files.isEmpty else { return nil }
        return IngestRequest(
            facts: context.facts, artifacts: fetcher.outcomes(of: key) ?? [], files: files,
            earlierPack: context.pack, epoch: UInt64(clamping: context.epoch ?? 0))
    }

    /// Clears earlier failures from which a daemon has recovered.
    mutating func clearTroubles(_ all: Bool) {
        summary.catalogTrouble = nil
        if all { summary.localTrouble = nil }
    }
}
