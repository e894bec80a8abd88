import Catalog
import Files
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// Rebuilds the state of an earlier run from the ledger and the spool.
    ///
    /// - Parameters:
    ///   - mode: A single pass or a daemon.
    ///   - limit: The sessions to limit a single pass to; nil for all.
    func recover(_ mode: Mode, _ limit: Selection? = nil) async throws {
        if parts.fleet != nil { return try await findStrays() }
        let now = Self.now()
        var settings = Watcher.Settings()
        settings.retention = configuration.retention
        let since = now - settings.retention - settings.remember
        let (open, recent, settled) = try await parts.catalog.perform { catalog in
            (
                try catalog.sessions(Selection(states: [.running, .pending])),
                try catalog.sessions(Selection(since: since, states: [.harvested, .partial, .skipped, .lost])),
                try catalog.artifacts(in: ArtifactState.allCases, sessions: [.running, .pending])
            )
        }
        let (found, live) = try await survey()
        var records = open.filter { $0.source != "ingest" } + recent.filter { $0.source != "ingest" }
        var rows = settled
        let taken = try await takeUp(found, live)
        records.removeAll { taken.reopenedNames.contains($0.session) }
        for (session, more) in taken.reopened {
            records.append(session)
            rows += more
        }
        let known = ByteSet(records.map(\.session))
        for facts in taken.unknown where !known.contains(facts.session) { records.append(SessionRecord(facts)) }
        state.withLock { state in
            state.liveFiles = taken.followed
            state.repacking = taken.reopenedNames
        }
        if case .pass(_, let session?) = mode { records = records.filter { Self.isAbout($0, session) } }
        if let limit { records = try await selected(records, limit) }
        resume(records, rows, taken.leftovers, settings, now)
    }

    /// Returns the content of the spool and of the folder of followed logs, without folders that cannot be read now.
    func survey() async throws -> (found: [Spool.Leftovers], live: [Spool.Leftovers]) {
        let spool = spool
        do {
            let (found, live) = try await disk.run { () throws -> (Spool.Survey, Spool.Survey) in
                try Folders.make(spool.folder)
                return (try spool.leftovers(), try spool.liveLeftovers())
            }
            for note in found.notes + live.notes { parts.observer.event(.storeTrouble(note)) }
            return (found.leftovers, live.leftovers)
        } catch let error as FileFailure {
            throw HarvestError(
                .storeUnusable, "the spool cannot be read now: \(error.message)", path: error.path,
                hint: "nothing was changed; check the folder and run again")
        }
    }

    /// Returns the records in a selection, without sessions that still run.
    private func selected(_ records: [SessionRecord], _ limit: Selection) async throws -> [SessionRecord] {
        let chosen = try await parts.catalog.perform { catalog in
            Set(try catalog.sessions(limit).map { Array($0.session.utf8) })
        }
        return records.filter { $0.state != .running && chosen.contains(Array($0.session.utf8)) }
    }

    private func resume(
        _ records: [SessionRecord], _ rows: [ArtifactRecord], _ leftovers: [Spool.Leftovers],
        _ settings: Watcher.Settings, _ now: Int64
    ) {
        let spooled = ByteDictionary(
            leftovers.map { ($0.manifest.facts.session, $0) }, uniquingKeysWith: { first, _ in first })
        change { state, now in
            state.watcher = Watcher(
                settings: settings, remembering: records.map { $0.completed(by: spooled[$0.session]) })
            state.progress.seen = records.count
            for row in rows { state.remembered[row.session, default: []].append(row.entry) }
            for record in records where record.state == .running { state.rerun.insert(record.session) }
            for record in records where record.state == .running && spooled[record.session] == nil {
                state.follow(record.session, record.apiIdentity)
            }
            for record in records where !record.state.isFinal {
                if let pack = record.pack { state.packs[record.session] = pack }
                guard let found = spooled[record.session] else { continue }
                state.leftovers[record.session] = found.files
                state.observer.event(.recovered(session: record.session, files: found.files.count))
            }
            state.apply(state.watcher.resume(now: now), now)
        }
    }
}

extension SessionRecord {
    /// Makes the record of a session known only from its spool folder.
    init(_ facts: SessionMetadata) {
        self.init(facts.identity, state: .pending)
        firstSeenExited = facts.firstSeenExited
        deadline = facts.deadline
    }

    /// Returns the record with what the spool knows. A session with downloads in the spool has ended, even if the ledger
    /// has it as running.
    fileprivate func completed(by leftovers: Spool.Leftovers?) -> SessionRecord {
        guard let facts = leftovers?.manifest.facts else { return self }
        var record = self
        if !state.isFinal { record.state = .pending }
        record.firstSeenExited = firstSeenExited ?? facts.firstSeenExited
        record.deadline = deadline ?? facts.deadline
        return record
    }
}
