import Catalog
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// A finished session of which more is to be fetched.
    struct Reopening: Sendable {
        var record: SessionRecord
        var rows: [ArtifactRecord]
        var artifacts: [String]
        var cause: LeftOut.Cause

        func isWanted(_ row: ArtifactRecord) -> Bool { artifacts.contains { $0.hasSameBytes(as: row.entry.artifact) } }

        /// The ledger's rows, with the wanted artifacts set to pending.
        var outcomes: [ArtifactEntry] {
            let known = ByteSet(rows.map(\.entry.artifact))
            return rows.map { isWanted($0) ? $0.entry.requestedAgain : $0.entry }
                + artifacts.filter { !known.contains($0) }.map { ArtifactEntry(artifact: $0) }
        }
    }

    /// Reopens the finished sessions whose containers may still exist and of which the rules want more than the ledger
    /// has.
    ///
    /// - Parameters:
    ///   - request: The selection of `harvest --again`; nil for what a changed rule asks for.
    ///   - session: If set, only this session.
    func takeUpLeftOut(_ request: Selection? = nil, only session: String? = nil) async throws {
        let now = Self.now()
        let configuration = configuration
        let found = try await parts.catalog.perform { catalog in
            // Write pending updates first, so that sessions settled just now are seen.
            try self.writeBatch(catalog)
            var found = try Self.leftOut(catalog, configuration, request, now)
            found.reopenings.removeAll { reopening in session.map { !Self.isAbout(reopening.record, $0) } ?? false }
            // Record before the first request: a session recorded as done must not have unpacked downloads.
            try self.announce(&found.reopenings, in: catalog)
            return found
        }
        change { state, now in
            for reopening in found.reopenings { state.reopen(reopening, now) }
            if request != nil { state.summary.pastDeadline = found.late }
            state.summary.refusals += found.refusals
        }
    }

    private static func leftOut(
        _ catalog: Catalog, _ configuration: Configuration, _ request: Selection?, _ now: Int64
    ) throws -> (reopenings: [Reopening], late: Int, refusals: [HarvestRefusal]) {
        var selection = request ?? Selection()
        selection.states = [.harvested, .partial, .skipped, .lost]
        // A named session is requested even after its deadline, which is only an estimate.
        let isNamed = !selection.sessions.isEmpty
        if !isNamed { selection.deadlineAfter = now }
        let cause: LeftOut.Cause = request == nil ? .changedRule : .request
        var refusals: [HarvestRefusal] = []
        let reopenings = try catalog.ledgers(selection).compactMap { ledger -> Reopening? in
            let wanted = LeftOut.artifacts(of: ledger.record, ledger.artifacts, by: configuration, cause)
            if wanted.isEmpty {
                let reason = isNamed ? LeftOut.refusal(of: ledger.record) : nil
                if let reason { refusals.append(HarvestRefusal(session: ledger.record.session, reason: reason)) }
                return nil
            }
            let rows = try catalog.artifacts(ledger.record.session)
            return Reopening(record: ledger.record, rows: rows, artifacts: wanted, cause: cause)
        }
        guard request != nil, !isNamed else { return (reopenings, 0, refusals) }
        let open = try catalog.count(selection)
        selection.deadlineAfter = nil
        return (reopenings, max(0, try catalog.count(selection) - open), [])
    }

    static func isAbout(_ record: SessionRecord, _ session: String) -> Bool {
        record.session.hasSameBytes(as: session)
            || record.apiIdentity.id.hasSameBytes(as: session)
    }

    /// Applies changed rules to a daemon's sessions and looks for paths that exist nowhere, until the run is over.
    func keepInStep() async {
        var looked = Int64.min
        var read = Self.now()
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Self.tick * 2))
            let now = Self.now()
            let (rulesChanged, absenceDue) = state.withLock { state in
                let due = state.absenceDue && now - Self.absenceEvery >= looked
                defer {
                    state.rulesChanged = false
                    if due { state.absenceDue = false }
                }
                return (state.rulesChanged && !state.stopping, due)
            }
            if now - read >= Self.readAgainEvery {
                read = now
                await readParked()
            }
            do {
                if rulesChanged { try await takeUpLeftOut() }
                if absenceDue {
                    looked = now
                    try await lookForAbsentPaths()
                }
            } catch {
                // Not done: set the flags again.
                state.withLock { state in
                    state.rulesChanged = state.rulesChanged || rulesChanged
                    state.absenceDue = state.absenceDue || absenceDue
                }
                parts.observer.event(.storeTrouble("the ledger could not be compared with the rules: \(error)"))
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }

    /// The time between tries to read spool folders that could not be read, in milliseconds.
    private static let readAgainEvery: Int64 = 5000

    /// Continues with sessions whose downloads could not be read before, if they can be now.
    func readParked() async {
        for key in state.withLock({ Array($0.parked.keys) }) {
            let spool = spool
            do {
                guard let found = try await disk.run({ try spool.leftovers(of: key) }) else { continue }
                let taken = try await takeUp(found.found, found.live)
                change { state, now in
                    guard let session = state.parked[key]?.session else { return }
                    state.leftovers[key] = taken.leftovers.first?.files
                    state.liveFiles[key] = taken.followed[key]
                    state.begin(session, now)
                }
            } catch {
                spool.unread[PackPath.escaped(key)] = "\(error)"
            }
        }
    }

    /// The minimum time between searches for absent paths, in milliseconds.
    private static let absenceEvery: Int64 = 5000

    /// Reports which paths of the rules exist in no session, if that has changed.
    private func lookForAbsentPaths() async throws {
        let configuration = configuration
        let now = Self.now()
        let found = try await parts.catalog.perform { catalog in
            try self.writeBatch(catalog)
            return try AbsentPath.find(in: catalog, by: configuration, now: now)
        }
        let (isNews, fresh) = state.withLock { state in
            let known = state.absentPaths
            state.absentPaths = found
            return (known != found, found.filter { path in !known.contains { $0.isSamePath(as: path) } })
        }
        if isNews { parts.observer.event(.absentPaths(found, fresh: fresh)) }
    }

    /// Returns the paths that exist in no session, after a pass in which at least one was missing.
    func absentPathsOfPass(since began: Int64) async -> [AbsentPath] {
        guard state.withLock({ $0.absenceDue }) else { return [] }
        let configuration = configuration
        do {
            return try await parts.catalog.perform { catalog in
                try AbsentPath.find(in: catalog, by: configuration, since: began, now: Self.now())
            }.filter { $0.lately > 0 }
        } catch {
            parts.observer.event(.storeTrouble("the ledger could not be searched for absent paths: \(error)"))
            return []
        }
    }
}

extension HarvestState {
    /// Returns the ledger updates for sessions to reopen; removes those that cannot be reopened now.
    func announce(_ reopenings: inout [HarvestRunner.Reopening]) -> LedgerBatch {
        reopenings.removeAll { reopening in
            contexts[reopening.record.session] != nil || !watcher.mayReopen(ExitedSession(reopening: reopening.record))
        }
        var batch = LedgerBatch()
        for reopening in reopenings {
            let key = reopening.record.session
            let names =
                reopening.artifacts.prefix(3).joined(separator: ", ") + (reopening.artifacts.count > 3 ? ", …" : "")
            let prefix = reopening.record.crashes > 0 ? ExitedSession.crashedPrefix + "; " : ""
            batch.sessions.append(
                SessionUpdate(session: key, state: .pending, reason: "\(prefix)\(reopening.cause.words) \(names)"))
            batch.artifacts += reopening.outcomes.filter { $0.state == .pending }.map {
                ArtifactRecord(session: key, entry: $0)
            }
        }
        return batch
    }

    /// Reopens a finished session that the ledger already records as pending.
    mutating func reopen(_ reopening: HarvestRunner.Reopening, _ now: Int64) {
        let key = reopening.record.session
        guard contexts[key] == nil else { return }
        let actions = watcher.reopen(ExitedSession(reopening: reopening.record))
        guard !actions.isEmpty else { return }
        fallbacks[key] = reopening.rows.filter(reopening.isWanted).map(\.entry)
        remembered[key] = reopening.outcomes
        if let pack = reopening.record.pack { packs[key] = pack }
        summary.again += 1
        observer.event(.reopened(session: key, reopening.artifacts, reopening.cause))
        apply(actions, now)
    }

    /// Applies another configuration: limits and rates, which logs to follow, and what the rules want of finished
    /// sessions.
    mutating func reconfigure(_ next: Configuration, _ now: Int64) {
        watcher.settings.retention = next.retention
        // The system's limit on open files is the same, but its division is not.
        budget = budget.divided(by: next.limits)
        fetcher.reconfigure(next, within: budget, now: now)
        for (key, identity) in watcher.runningSessions { follow(key, identity) }
        rulesChanged = true
        absenceDue = true
    }
}
