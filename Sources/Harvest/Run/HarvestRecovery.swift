import Catalog
import Pack
import Synchronization
import Text

extension HarvestRunner {
    /// Rebuilds what an earlier run knew from the ledger and the spool.
    ///
    /// - Parameter limit: Which sessions a single pass is about; nil for all.
    func recover(_ mode: Mode, _ limit: Selection? = nil) async throws {
        let spool = spool
        let now = Self.now()
        var settings = Watcher.Settings()
        settings.retention = configuration.retention
        let since = now - settings.retention - settings.remember
        let (open, recent, rows) = try await parts.catalog.perform { catalog in
            (
                try catalog.sessions(Selection(states: [.running, .pending])),
                try catalog.sessions(Selection(since: since, states: [.harvested, .partial, .skipped, .lost])),
                try catalog.artifacts(in: ArtifactState.allCases, sessions: [.running, .pending])
            )
        }
        let (found, live) = try await survey()
        var records = open.filter { $0.source != "ingest" } + recent.filter { $0.source != "ingest" }
        let known = ByteDictionary(records.map { ($0.session, $0.state) }, uniquingKeysWith: { first, _ in first })
        var kept: [Spool.Leftovers] = []
        for leftovers in found {
            let session = leftovers.manifest.facts.session
            // Nothing is lost of which bytes are here, whatever the ledger was made to say.
            if known[session] == .lost, let index = records.firstIndex(where: { $0.session.hasSameBytes(as: session) })
            {
                records[index].state = .pending
                kept.append(leftovers)
            } else if try await isFinal(session, known) {
                try await sweepUp(leftovers)
            } else {
                kept.append(leftovers)
                if known[session] == nil { records.append(SessionRecord(leftovers.manifest.facts)) }
            }
        }
        var followed: ByteDictionary<[SpooledFile]> = [:]
        for leftovers in live {
            let session = leftovers.manifest.facts.session
            if try await isFinal(session, known) {
                try await dropSpool(session, live: true)
            } else {
                followed[session] = leftovers.files
            }
        }
        state.withLock { $0.liveFiles = followed }
        if case .pass(_, let session?) = mode { records = records.filter { Self.isAbout($0, session) } }
        if let limit { records = try await selected(records, limit) }
        resume(records, rows, kept, settings, now)
        let packed = state.withLock { state in
            defer { state.packedLeftovers = [] }
            return state.packedLeftovers
        }
        try await disk.run { spool.remove(packed) }
    }

    /// What lies in the spool and in the folder of followed logs. What cannot be read now stays out of this run.
    private func survey() async throws -> (found: [Spool.Leftovers], live: [Spool.Leftovers]) {
        let spool = spool
        do {
            let (found, live) = try await disk.run { () throws -> (Spool.Survey, Spool.Survey) in
                try StoreFolder.make(spool.folder)
                return (try spool.leftovers(), try spool.liveLeftovers())
            }
            for note in found.notes + live.notes { parts.observer.event(.storeTrouble(note)) }
            return (found.leftovers, live.leftovers)
        } catch let error as PackError {
            throw HarvestError(
                .storeUnusable, "the spool cannot be read now: \(error.message)", path: error.path,
                hint: "nothing was changed; run the harvest again")
        }
    }

    /// Committed, and killed before the spool was dropped: what the ledger says is kept goes, all else is set aside.
    private func sweepUp(_ leftovers: Spool.Leftovers) async throws {
        let session = leftovers.manifest.facts.session
        let rows = try await parts.catalog.perform { try $0.artifacts(session) }
        let kept = ByteSet(
            rows.filter { [.collected, .incomplete].contains($0.entry.state) }.map(\.entry.artifact))
        let packed = leftovers.files.filter { kept.contains($0.artifact) }.map(\.path)
        let spool = spool
        try await disk.run { spool.remove(packed) }
        try await dropSpool(session, live: true)
    }

    /// Removes what is left of a session in the spool; says where downloads went that are in no pack.
    func dropSpool(_ session: String, live: Bool, discarding: Bool = false) async throws {
        let spool = spool
        var packed: ByteSet = []
        if !discarding, try await disk.run({ try spool.holdsDownloads(session) }) {
            // A try that failed at its last step, such as a name that could not be synced, was followed by one that did not.
            let rows = try await parts.catalog.perform { try $0.artifacts(session) }
            packed = ByteSet(rows.filter { $0.entry.state == .collected }.map(\.entry.artifact))
        }
        let places = try await disk.run { [packed] in
            try spool.drop(session, live: live, discarding: discarding, packed: packed)
        }
        for place in places {
            parts.observer.event(
                .storeTrouble("a download of session \(session) is in no pack; it was set aside as \(place)"))
        }
    }

    /// The records that a selection names, without the sessions that it does not know to have ended.
    private func selected(_ records: [SessionRecord], _ limit: Selection) async throws -> [SessionRecord] {
        let chosen = try await parts.catalog.perform { catalog in
            Set(try catalog.sessions(limit).map { Array($0.session.utf8) })
        }
        return records.filter { $0.state != .running && chosen.contains(Array($0.session.utf8)) }
    }

    private func isFinal(_ session: String, _ known: ByteDictionary<SessionState>) async throws -> Bool {
        if let state = known[session] { return state.isFinal }
        let record = try await parts.catalog.perform { try $0.session(session) }
        return record?.state.isFinal ?? false
    }

    private func resume(
        _ records: [SessionRecord], _ rows: [ArtifactRecord], _ leftovers: [Spool.Leftovers],
        _ settings: Watcher.Settings, _ now: Int64
    ) {
        let spooled = ByteDictionary(
            leftovers.map { ($0.manifest.facts.session, $0) }, uniquingKeysWith: { first, _ in first })
        let settled = rows.reduce(into: ByteDictionary<ByteSet>()) { known, row in
            if row.entry.state == .collected { known[row.session, default: []].insert(row.entry.artifact) }
        }
        change { state, now in
            state.watcher = Watcher(
                settings: settings, remembering: records.map { RememberedSession($0, spooled[$0.session]) })
            state.progress.seen = records.count
            for row in rows { state.remembered[row.session, default: []].append(ArtifactOutcome(row.entry)) }
            for record in records where record.state == .running && spooled[record.session] == nil {
                let id = RunKey.apiID(key: record.session, created: record.created)
                state.follow(record.session, SessionIdentity(record, id: id))
            }
            for record in records where !record.state.isFinal {
                if let pack = record.pack { state.packs[record.session] = pack }
                guard let found = spooled[record.session] else { continue }
                let done = settled[record.session] ?? []
                state.packedLeftovers += found.files.filter { done.contains($0.artifact) }.map(\.path)
                state.leftovers[record.session] = found.files.filter { !done.contains($0.artifact) }
                state.observer.event(.recovered(session: record.session, files: found.files.count))
            }
            state.apply(state.watcher.resume(now: now), now)
        }
    }
}

extension RememberedSession {
    /// What the ledger says of a session; one with downloads in the spool has ended, whatever the ledger says.
    init(_ record: SessionRecord, _ leftovers: Spool.Leftovers?) {
        let ended = leftovers != nil && !record.state.isFinal
        self.init(
            key: record.session,
            identity: SessionIdentity(record, id: RunKey.apiID(key: record.session, created: record.created)),
            state: ended ? .pending : record.state, lastSeen: record.firstSeen ?? record.created ?? record.at,
            exitedAt: record.firstSeenExited ?? leftovers?.manifest.facts.firstSeenExited,
            deadline: record.deadline ?? leftovers?.manifest.facts.deadline,
            crashed: record.reason?.hasPrefix(ExitedSession.crashedPrefix) == true)
    }
}

extension SessionRecord {
    /// A session that only its spool folder remembers.
    init(_ facts: SessionFacts) {
        self.init(session: facts.session, state: .pending)
        image = facts.image
        tag = facts.tag
        location = facts.location
        host = facts.host
        labels = facts.labels
        created = facts.created
        firstSeenExited = facts.firstSeenExited
        deadline = facts.deadline
    }
}

extension SessionIdentity {
    /// What the ledger knows of a session.
    init(_ record: SessionRecord, id: String) {
        self.init(
            id: id, image: record.image, tag: record.tag, location: record.location, host: record.host,
            labels: record.labels, created: record.created)
    }
}
