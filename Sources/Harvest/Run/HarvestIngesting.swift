import Catalog
import Pack
import Synchronization

extension HarvestRunner {
    /// Has a pack made of a session's downloads, commits it, and only then lets the downloads go.
    func ingest(_ key: String, _ items: [Int]) async {
        guard let (request, names) = state.withLock({ $0.ingestRequest(key, items) }) else {
            change { state, now in
                state.progress.ingesting -= 1
                state.apply(state.fetcher.ingested(key: key, [:], now: now), now)
            }
            return
        }
        while true {
            do {
                var request = request
                request.files = try await expandLive(key, request.files)
                let outcome = try await parts.ingest.ingest(request)
                await commit(key, outcome, names)
                let paths = request.files.map(\.path)
                let packsLogs = names.values.contains(FetchItem.logs)
                let verdicts = names.reduce(into: [Int: IngestVerdict]()) { $0[$1.key] = outcome.verdicts[$1.value] }
                change { state, now in
                    state.contexts[key]?.files.removeAll { file in
                        paths.contains(file.path) || (file.isFollowed && packsLogs)
                    }
                    state.contexts[key]?.pack = outcome.contents.path
                    state.progress.ingesting -= 1
                    state.apply(state.fetcher.ingested(key: key, verdicts, now: now), now)
                }
                let spool = spool
                try? await disk.run { spool.remove(paths) }
                return
            } catch let error as HarvestError where error.code == .storeUnusable && !state.withLock({ $0.stopping }) {
                state.withLock { $0.summary.noRoom = error.message }
                parts.observer.event(.storeTrouble("\(key) was not packed, trying again: \(error.message)"))
                try? await Task.sleep(for: .seconds(5))
            } catch let error as SystemFailure where error.isFull && !state.withLock({ $0.stopping }) {
                state.withLock { $0.summary.noRoom = "\(error)" }
                parts.observer.event(.storeTrouble("\(key) was not packed, trying again: \(error)"))
                try? await Task.sleep(for: .seconds(5))
            } catch {
                await putAside(key, "\(error)")
                return
            }
        }
    }

    /// The pack lies synced under its name; now the catalog learns of it, with all that the ledger gathered before, in
    /// the order in which it happened. Until that has worked, nothing goes on with this session.
    private func commit(_ key: String, _ outcome: IngestOutcome, _ names: [Int: String]) async {
        let verdicts = names.reduce(into: [Int: IngestVerdict]()) { $0[$1.key] = outcome.verdicts[$1.value] }
        while true {
            let contents = state.withLock { $0.commitment(key, outcome.contents, verdicts, Self.now()) }
            do {
                try await parts.catalog.perform { catalog in
                    try self.writeBatch(catalog)
                    try catalog.commit(contents)
                }
                return
            } catch {
                state.withLock { $0.summary.noRoom = "the catalog could not be written: \(error)" }
                parts.observer.event(.storeTrouble("the pack of \(key) was not entered, trying again: \(error)"))
                if state.withLock({ $0.stopping }) { return }
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }

    private func putAside(_ key: String, _ reason: String) async {
        if state.withLock({ $0.stopping }) {
            state.withLock { $0.summary.noRoom = $0.summary.noRoom ?? reason }
            // The next run takes the downloads up from the spool.
            change { state, _ in state.progress.ingesting -= 1 }
            return
        }
        let spool = spool
        let place = try? await disk.run { try spool.quarantine(key) }
        _ = prepared.withLock { $0.remove(key) }
        parts.observer.event(.quarantined(session: key, path: place ?? spool.folder(of: key), reason: reason))
        change { state, now in
            state.contexts[key]?.files = []
            state.progress.ingesting -= 1
            let aside = place.map { "; the download lies in \($0)" } ?? ""
            state.apply(state.fetcher.ingestFailed(key: key, reason + aside, now: now), now)
        }
    }

    /// Waits for ingests that were running when the loop ended.
    func finishIngests() async {
        while state.withLock({ $0.progress.ingesting > 0 }) { try? await Task.sleep(for: .milliseconds(20)) }
    }
}

extension HarvestState {
    /// What to hand to ingest for these items, and which artifact each item is; nil when no file is left of them.
    func ingestRequest(_ key: String, _ items: [Int]) -> (IngestRequest, [Int: String])? {
        guard let context = contexts[key], let artifacts = fetcher.artifacts(of: key) else { return nil }
        var names: [Int: String] = [:]
        for item in items where artifacts.indices.contains(item) { names[item] = artifacts[item] }
        let wanted = Set(names.values)
        let files = context.files.filter { wanted.contains($0.artifact) }
        guard !files.isEmpty else { return nil }
        let rows = (fetcher.outcomes(of: key) ?? []).map { ArtifactEntry($0) }
        let request = IngestRequest(
            facts: context.facts, artifacts: rows, files: files, earlierPack: context.pack)
        return (request, names)
    }

    /// The pack's contents with the ledger's words in them: the state that the verdicts lead to, and each artifact's
    /// row as the fetcher sees it.
    mutating func commitment(
        _ key: String, _ contents: PackContents, _ verdicts: [Int: IngestVerdict], _ now: Int64
    ) -> PackContents {
        guard let (state, outcomes) = fetcher.preview(key: key, verdicts, now: now) else { return contents }
        var contents = contents
        contents.facts.state = state.rawValue
        contents.facts.reason = outcomes.sessionReason(state)
        for outcome in outcomes {
            let row = ArtifactEntry(outcome)
            guard let index = contents.artifacts.firstIndex(where: { $0.artifact == outcome.artifact }) else {
                contents.artifacts.append(row)
                continue
            }
            // Members point at rows by index, and verdict, flags and hash are ingest's to say.
            let known = contents.artifacts[index]
            contents.artifacts[index] = row
            contents.artifacts[index].verdict = known.verdict
            contents.artifacts[index].flags = known.flags
            contents.artifacts[index].sha256 = known.sha256
        }
        dirty.remove(key)
        contexts[key]?.committed = (state, outcomes)
        return contents
    }
}
