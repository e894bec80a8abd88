import Catalog
import Glibc
import Ingest
import Pack
import Synchronization
import Text

extension HarvestRunner {
    /// Packs a session's downloads, commits the pack to the catalog, and only then removes the downloads. Any failure
    /// on the way is local: the downloads stay in place, and the fetcher decides when to try again.
    func ingest(_ key: String, _ items: [Int]) async {
        guard let (request, names) = state.withLock({ $0.ingestRequest(key, items) }) else {
            change { state, now in
                state.progress.ingesting -= 1
                state.apply(state.fetcher.ingested(key: key, [:], now: now), now)
            }
            return
        }
        let packed: PackedRequest
        do {
            // A pack that was made but not committed only needs the commit.
            if let known = state.withLock({ $0.contexts[key]?.uncommitted }), known.names == names {
                packed = known
            } else {
                packed = try await pack(key, request, names)
            }
        } catch {
            deferIngest(key, noteLocal(error))
            return
        }
        do {
            // Each try waits long for the catalog's lock; a run that is ending must not wait once per session.
            if let known = state.withLock({ $0.stopping ? $0.summary.catalogTrouble : nil }) {
                throw HarvestError(.storeUnusable, known, session: key)
            }
            try await commit(key, packed)
        } catch {
            let reason = "\(error)"
            state.withLock { state in
                state.contexts[key]?.uncommitted = packed
                state.contexts[key]?.pack = packed.outcome.contents.path
                state.summary.catalogTrouble = reason
            }
            parts.observer.event(
                .storeTrouble("the pack of \(key) is not in the catalog yet, trying again: \(error)"))
            deferIngest(key, reason)
            return
        }
        let waiting = packed.waiting
        let paths = packed.paths
        let packsLogs = packed.names.values.contains(FetchItem.logs) && packed.outcome.waiting[FetchItem.logs] == nil
        // Remove the downloads before settling: what a settled session has in the spool is taken for unpacked.
        let spool = spool
        try? await disk.run { spool.remove(paths) }
        let wait = change { state, now in
            state.contexts[key]?.uncommitted = nil
            state.contexts[key]?.files.removeAll { file in
                paths.contains(file.path) || (file.isFollowed && packsLogs)
            }
            state.contexts[key]?.pack = packed.outcome.contents.path
            state.progress.ingesting -= 1
            if state.following { state.clearTroubles(waiting.isEmpty) }
            state.apply(state.fetcher.ingested(key: key, packed.verdicts, waiting: waiting, now: now), now)
            return state.fetcher.ingestWait(of: key, now: now)
        }
        for reason in Set(waiting.values) {
            state.withLock { $0.summary.localTrouble = reason }
            parts.observer.event(.packingDeferred(session: key, reason: reason, wait: wait))
        }
    }

    private func pack(_ key: String, _ request: IngestRequest, _ names: [Int: String]) async throws -> PackedRequest {
        var request = request
        request.files = try await expandLive(key, request.files)
        // A download that somebody removed from the spool is requested again.
        let (files, vanished) = try await disk.run { [files = request.files] in Self.look(at: files) }
        request.files = files
        let outcome = try await parts.ingest.ingest(request)
        for damage in outcome.earlierDamage { parts.observer.event(.storeTrouble(damage)) }
        for aside in outcome.quarantined {
            parts.observer.event(.quarantined(session: key, path: store + "/" + aside.place, reason: aside.reason))
        }
        return PackedRequest(outcome: outcome, names: names, files: request.files, vanished: vanished)
    }

    /// Returns the files with their current sizes and times, and the paths that no longer exist.
    private static func look(at files: [SpooledFile]) -> (there: [SpooledFile], vanished: Set<String>) {
        var there: [SpooledFile] = []
        var vanished: Set<String> = []
        for var file in files {
            var facts = stat()
            if lstat(file.path, &facts) == 0 {
                file.bytes = UInt64(max(0, facts.st_size))
                file.modified = Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
            } else if errno == ENOENT {
                vanished.insert(file.path)
                continue
            }
            there.append(file)
        }
        return (there, vanished)
    }

    /// Commits a pack, already synced under its name, to the catalog, after all pending ledger updates, in order. The
    /// session does not continue until this succeeds.
    private func commit(_ key: String, _ packed: PackedRequest) async throws {
        let commitment = state.withLock {
            $0.commitment(key, packed.outcome.contents, packed.verdicts, packed.waiting, Self.now())
        }
        var contents = commitment ?? packed.outcome.contents
        contents.downloads = packed.downloads
        // A session that was withdrawn meanwhile is not done just because a pack of it is.
        let source = commitment == nil ? PackSource.disk : .harvest
        do {
            try await parts.catalog.perform { [contents] catalog in
                try self.writeBatch(catalog)
                try catalog.commit(contents, from: source)
            }
        } catch {
            state.withLock { $0.contexts[key]?.committed = nil }
            throw error
        }
    }

    /// Defers these downloads; the fetcher decides when packing is tried again.
    private func deferIngest(_ key: String, _ reason: String) {
        let wait = change { state, now in
            state.progress.ingesting -= 1
            state.apply(state.fetcher.ingestDeferred(key: key, reason, now: now), now)
            return state.fetcher.ingestWait(of: key, now: now)
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

/// A finished pack and its inputs.
struct PackedRequest: Sendable {
    var outcome: IngestOutcome
    /// The artifact names, by the fetcher's item.
    var names: [Int: String]
    /// The downloads passed to ingest.
    var files: [SpooledFile]
    /// The paths of downloads that had vanished from the spool.
    var vanished: Set<String>

    /// The verdicts, by item.
    var verdicts: [Int: IngestVerdict] {
        names.reduce(into: [:]) { verdicts, name in
            verdicts[name.key] = outcome.verdicts[name.value]
            if verdicts[name.key] == nil, !vanished.isEmpty {
                verdicts[name.key] = IngestVerdict(
                    complete: false, empty: true, reason: "its download vanished from the spool before it was packed")
            }
        }
    }

    /// The items that could not be packed because of a local failure, with the reason.
    var waiting: [Int: String] { names.compactMapValues { outcome.waiting[$0] } }

    /// The downloads that are in the pack.
    var downloads: [PackedDownload] { files.filter { outcome.waiting[$0.artifact] == nil }.map { PackedDownload($0) } }

    /// The paths of downloads that are in the pack or have vanished.
    var paths: [String] { files.filter { outcome.waiting[$0.artifact] == nil }.map(\.path) + vanished }
}

extension HarvestState {
    /// Returns the ingest request for these items and the artifact name of each; nil when none has a file left.
    func ingestRequest(_ key: String, _ items: [Int]) -> (IngestRequest, [Int: String])? {
        guard let context = contexts[key], let artifacts = fetcher.artifacts(of: key) else { return nil }
        var names: [Int: String] = [:]
        for item in items where artifacts.indices.contains(item) { names[item] = artifacts[item] }
        let wanted = ByteSet(names.values)
        let files = context.files.filter { wanted.contains($0.artifact) }
        guard !files.isEmpty else { return nil }
        let rows = (fetcher.outcomes(of: key) ?? []).map { ArtifactEntry($0) }
        let request = IngestRequest(
            facts: context.facts, artifacts: rows, files: files, earlierPack: context.pack)
        return (request, names)
    }

    /// Clears earlier failures from which a daemon has recovered.
    mutating func clearTroubles(_ all: Bool) {
        summary.catalogTrouble = nil
        if all { summary.localTrouble = nil }
    }

    /// Returns the pack's contents with the ledger's view added: the state that the verdicts lead to, and the fetcher's
    /// row of each artifact. Nil when the session was withdrawn meanwhile.
    mutating func commitment(
        _ key: String, _ contents: PackContents, _ verdicts: [Int: IngestVerdict], _ waiting: [Int: String],
        _ now: Int64
    ) -> PackContents? {
        guard let (state, outcomes) = fetcher.preview(key: key, verdicts, waiting: waiting, now: now) else {
            return nil
        }
        var contents = contents
        contents.facts.state = state.rawValue
        contents.facts.reason = outcomes.sessionReason(state)
        for outcome in outcomes {
            let row = ArtifactEntry(outcome)
            guard let index = contents.artifacts.firstIndex(where: { $0.artifact.hasSameBytes(as: outcome.artifact) })
            else {
                contents.artifacts.append(row)
                continue
            }
            // Members refer to rows by index; verdict, flags and hash come from ingest.
            let known = contents.artifacts[index]
            contents.artifacts[index] = row
            contents.artifacts[index].verdict = known.verdict
            contents.artifacts[index].flags = known.flags
            contents.artifacts[index].sha256 = known.sha256
            // An artifact from a damaged earlier pack is incomplete, whatever was recorded before.
            if known.state == .incomplete, row.state == .collected, known.flags.contains("earlier_pack_damaged") {
                contents.artifacts[index].state = .incomplete
                contents.artifacts[index].reason = known.reason
            }
        }
        dirty.remove(key)
        contexts[key]?.committed = (state, outcomes)
        return contents
    }
}
