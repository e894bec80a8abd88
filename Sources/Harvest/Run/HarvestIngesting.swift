import Catalog
import Glibc
import Pack
import Synchronization
import Text

extension HarvestRunner {
    /// Has a pack made of a session's downloads, commits it, and only then lets the downloads go. Whatever fails on the
    /// way is this machine's fault: the downloads stay where they are, and the fetcher decides when to try again.
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
            // What is packed and could not be entered in the catalog is only entered.
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
            // Each try waits long for whoever holds the catalog; a run that is to end does not wait for every session.
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
            parts.observer.event(.storeTrouble("the pack of \(key) was not entered, trying again: \(error)"))
            deferIngest(key, reason)
            return
        }
        let waiting = packed.waiting
        let paths = packed.paths
        let packsLogs = packed.names.values.contains(FetchItem.logs) && packed.outcome.waiting[FetchItem.logs] == nil
        // Before anything follows from it: what a settled session has left in the spool is taken for unpacked.
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
        // What somebody removed from the spool is asked for once more.
        let (files, vanished) = try await disk.run { [files = request.files] in Self.look(at: files) }
        request.files = files
        let outcome = try await parts.ingest.ingest(request)
        for damage in outcome.earlierDamage { parts.observer.event(.storeTrouble(damage)) }
        for aside in outcome.quarantined {
            parts.observer.event(.quarantined(session: key, path: store + "/" + aside.place, reason: aside.reason))
        }
        return PackedRequest(outcome: outcome, names: names, files: request.files, vanished: vanished)
    }

    /// The files as they are when they are packed, and those that are not there any more.
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

    /// The pack lies synced under its name; now the catalog learns of it, with all that the ledger gathered before, in
    /// the order in which it happened. Until that has worked, nothing goes on with this session.
    private func commit(_ key: String, _ packed: PackedRequest) async throws {
        let commitment = state.withLock {
            $0.commitment(key, packed.outcome.contents, packed.verdicts, packed.waiting, Self.now())
        }
        var contents = commitment ?? packed.outcome.contents
        contents.downloads = packed.downloads
        // A session that runs again, or is another's now, is not done because a pack of it was.
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

    /// Lets the fetcher decide when these downloads are tried again.
    private func deferIngest(_ key: String, _ reason: String) {
        let wait = change { state, now in
            state.progress.ingesting -= 1
            state.apply(state.fetcher.ingestDeferred(key: key, reason, now: now), now)
            return state.fetcher.ingestWait(of: key, now: now)
        }
        parts.observer.event(.packingDeferred(session: key, reason: reason, wait: wait))
    }

    /// Waits for ingests that were running when the loop ended, but not beyond a moment where one is given.
    func finishIngests(until end: Int64?) async {
        while state.withLock({ $0.progress.ingesting > 0 }) {
            if let end, Self.now() >= end { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A pack that lies under its name, and what it was made of.
struct PackedRequest: Sendable {
    var outcome: IngestOutcome
    /// The fetcher's items and the artifacts that they are.
    var names: [Int: String]
    /// The downloads that were handed to ingest.
    var files: [SpooledFile]
    /// Downloads that had gone from the spool.
    var vanished: Set<String>

    /// What the artifacts turned out to be, by item.
    var verdicts: [Int: IngestVerdict] {
        names.reduce(into: [:]) { verdicts, name in
            verdicts[name.key] = outcome.verdicts[name.value]
            if verdicts[name.key] == nil, !vanished.isEmpty {
                verdicts[name.key] = IngestVerdict(
                    complete: false, empty: true, reason: "its download went from the spool before it was packed")
            }
        }
    }

    /// Items that this machine kept from being packed, and why.
    var waiting: [Int: String] { names.compactMapValues { outcome.waiting[$0] } }

    /// The downloads that are in the pack.
    var downloads: [PackedDownload] { files.filter { outcome.waiting[$0.artifact] == nil }.map { PackedDownload($0) } }

    /// What is in the pack now, or gone.
    var paths: [String] { files.filter { outcome.waiting[$0.artifact] == nil }.map(\.path) + vanished }
}

extension HarvestState {
    /// What to hand to ingest for these items, and which artifact each item is; nil when no file is left of them.
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

    /// Takes back what went wrong before, where a daemon got over it.
    mutating func clearTroubles(_ all: Bool) {
        summary.catalogTrouble = nil
        if all { summary.localTrouble = nil }
    }

    /// The pack's contents with the ledger's words in them: the state that the verdicts lead to, and each artifact's
    /// row as the fetcher sees it. Nil where the session was withdrawn meanwhile.
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
            // Members point at rows by index, and verdict, flags and hash are ingest's to say.
            let known = contents.artifacts[index]
            contents.artifacts[index] = row
            contents.artifacts[index].verdict = known.verdict
            contents.artifacts[index].flags = known.flags
            contents.artifacts[index].sha256 = known.sha256
            // What an earlier pack held is not whole where that pack is damaged, whatever was known of it before.
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
