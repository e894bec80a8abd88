internal import Pack
import Text

/// What the ledger has of a session before a pack is entered.
struct LedgerStanding {
    /// One artifact's row.
    struct Row {
        var state: ArtifactState
        var reason: String?
        var lastTry: Int64?
        var tries: Int64

        /// Whether it only says that the bytes went, so that a pack that has them says better.
        var isOfMissingBytes: Bool {
            reason == SessionRecord.packGone || isPruned
        }

        var isPruned: Bool { reason?.hasPrefix(SessionRecord.bytesPruned) == true }

        var isHeld: Bool { state == .collected || state == .incomplete }
    }

    var state: SessionState
    /// Whether the row's state or source is a word that nobody wrote: the database rots.
    var isRotten: Bool
    var reason: String?
    /// Whether nothing but an ingest by hand knows of the session: then there is no ledger beside its pack.
    var isByHand: Bool
    var pack: String?
    var packBytes: UInt64
    var pruned: Int64?
    var prunedWhy: String?
    var rows: ByteDictionary<Row> = [:]
    /// The facts that are there already.
    var facts: SessionUpdate
}

/// Enters what packs say of their sessions' ledgers, within one transaction. The ledger is newer than a pack that merely
/// lies there: such a pack fills in, and a session that is not done stays so.
final class PackLedger {
    private let connection: Connection
    private let ledger: LedgerWriter
    private let find: Statement
    private let rows: Statement
    private let markPruned: Statement
    private let setPruned: Statement
    private let putDownload: Statement

    init(_ connection: Connection, _ ledger: LedgerWriter) throws(CatalogError) {
        self.connection = connection
        self.ledger = ledger
        find = try connection.prepare(
            """
            SELECT key, state, reason, source, pack, pack_bytes, pruned, pruned_why, image, tag, location, host, created,
                exited, first_seen_exited, deadline, (SELECT count(*) FROM labels WHERE session = s.key)
            FROM sessions s WHERE id = ?1
            """)
        rows = try connection.prepare(
            "SELECT artifact, state, reason, last_try, tries FROM artifacts WHERE session = ?1")
        markPruned = try connection.prepare(
            "UPDATE artifacts SET state = 'skipped', reason = ?3 WHERE session = ?1 AND artifact = ?2")
        setPruned = try connection.prepare("UPDATE sessions SET pruned = ?2, pruned_why = ?3 WHERE key = ?1")
        putDownload = try connection.prepare(
            "INSERT OR REPLACE INTO downloads(session, name, bytes, modified) VALUES(?1, ?2, ?3, ?4)")
    }

    /// Enters what a pack says of its session and of the artifacts; returns the session's row.
    func put(_ contents: PackContents, from source: PackSource) throws(CatalogError) -> Int64 {
        let before = try standing(of: contents.facts.session)
        let key = try ledger.key(of: contents.facts.session)
        var isNews = before == nil
        for entry in contents.artifacts {
            if Self.wins(entry, over: before, source) {
                try ledger.put(entry, nextTry: nil, session: key)
                isNews = true
            } else if source == .disk, let row = before?.rows[entry.artifact], row.state == entry.state, row.isHeld {
                // What was found in the download is as the pack says, whatever became of the row.
                var same = entry
                same.lastTry = [entry.lastTry, row.lastTry].compactMap { $0 }.max()
                same.tries = max(entry.tries, Int(clamping: row.tries))
                try ledger.put(same, nextTry: nil, session: key)
            }
        }
        try keepPruned(contents, key, before, source)
        try note(contents, key, before, source)
        try ledger.apply(try update(contents.facts, key, before, source, isNews: isNews))
        return key
    }

    private func standing(of session: String) throws(CatalogError) -> LedgerStanding? {
        find.bind(1, session)
        guard try find.step() else { return nil }
        defer { find.reset() }
        var facts = SessionUpdate(session: session)
        facts.image = find.text(8).isEmpty ? nil : find.text(8)
        facts.tag = find.textOrNil(9)
        facts.location = find.textOrNil(10)
        facts.host = find.textOrNil(11)
        facts.created = find.integerOrNil(12)
        facts.exited = find.integerOrNil(13)
        facts.seenExited = find.integerOrNil(14)
        facts.deadline = find.integerOrNil(15)
        facts.labels = find.integer(16) > 0 ? [:] : nil
        facts.source = find.textOrNil(3)
        let state = SessionState(rawValue: find.text(1))
        var standing = LedgerStanding(
            state: state ?? .pending, isRotten: state == nil || !SettledRow.isKnown(source: facts.source),
            reason: find.textOrNil(2),
            isByHand: find.textOrNil(3) == "ingest", pack: find.textOrNil(4), packBytes: find.unsigned(5),
            pruned: find.integerOrNil(6), prunedWhy: find.textOrNil(7), facts: facts)
        standing.rows = try artifactRows(find.integer(0))
        return standing
    }

    private func artifactRows(_ key: Int64) throws(CatalogError) -> ByteDictionary<LedgerStanding.Row> {
        var found: ByteDictionary<LedgerStanding.Row> = [:]
        rows.bind(1, key)
        while try rows.step() {
            found[rows.text(0)] = LedgerStanding.Row(
                state: ArtifactState(rawValue: rows.text(1)) ?? .failed, reason: rows.textOrNil(2),
                lastTry: rows.integerOrNil(3), tries: rows.integer(4))
        }
        return found
    }

    /// Whether a pack's row of an artifact takes the place of the ledger's.
    private static func wins(_ entry: ArtifactEntry, over before: LedgerStanding?, _ source: PackSource) -> Bool {
        guard source != .harvest, let before, let row = before.rows[entry.artifact] else { return true }
        if row.isOfMissingBytes || before.isByHand { return true }
        if case .ingest(let artifacts) = source, artifacts.contains(where: { $0.hasSameBytes(as: entry.artifact) }) {
            // What a harvest still asks for is not had by a file of that name.
            return before.state.isFinal || row.state != .pending
        }
        // Asked for again since, whatever the pack has of it.
        if row.state == .pending { return entry.lastTry ?? .min > row.lastTry ?? .min }
        return worth(entry.state) > worth(row.state)
    }

    /// The bytes that a pack has are had, whatever the ledger was made to say of them without it.
    private static func worth(_ state: ArtifactState) -> Int {
        switch state {
        case .collected: 2
        case .incomplete: 1
        case .pending, .absent, .skipped, .failed, .lost: 0
        }
    }

    /// What was pruned stays said for as long as the session's pack does not hold it again.
    private func keepPruned(
        _ contents: PackContents, _ key: Int64, _ before: LedgerStanding?, _ source: PackSource
    ) throws(CatalogError) {
        guard let before, before.pruned != nil else { return }
        let held = ByteSet(contents.artifacts.map(\.artifact))
        var isMissing = false
        if source != .harvest {
            for (artifact, row) in before.rows where !held.contains(artifact) {
                // Without a pack before this one, what was collected is what was pruned.
                let goes = row.isHeld && before.pack == nil
                isMissing = isMissing || row.isPruned || goes
                guard goes else { continue }
                let reason = SessionRecord.bytesPruned + (before.prunedWhy.map { ": \($0)" } ?? "")
                try markPruned.bind(1, key).bind(2, artifact).bind(3, reason).run()
            }
        }
        guard !isMissing else { return }
        try setPruned.bind(1, key).bind(2, nil as Int64?).bind(3, nil as String?).run()
    }

    /// Notes which files of the spool are in the pack. Those of the pack before are not known to be.
    private func note(
        _ contents: PackContents, _ key: Int64, _ before: LedgerStanding?, _ source: PackSource
    ) throws(CatalogError) {
        if source == .disk, let pack = before?.pack, pack.hasSameBytes(as: contents.path),
            before?.packBytes == contents.packBytes
        {
            return
        }
        try ledger.release(contents.facts.session)
        for download in contents.downloads {
            putDownload.bind(1, key).bind(2, download.name).bind(3, download.bytes)
            try putDownload.bind(4, download.modified).run()
        }
    }

    // MARK: The session's row

    private func update(
        _ facts: SessionFacts, _ key: Int64, _ before: LedgerStanding?, _ source: PackSource, isNews: Bool
    ) throws(CatalogError) -> SessionUpdate {
        var update = Self.update(facts)
        let isTold = source == .harvest || before.map { $0.isByHand || source == .disk && $0.isRotten } ?? true
        let derived = try derived(key)
        if isTold {
            update.state = facts.state.flatMap(SessionState.init(rawValue:)) ?? derived.state
            update.reason = facts.reason
            return update
        }
        guard let before else { return update }
        // Whoever harvests it says when it is done.
        let isBack = before.reason == SessionRecord.packGone
        if before.state.isFinal, isNews || isBack, derived.state != before.state || isBack {
            (update.state, update.reason) = derived
        } else {
            (update.state, update.reason) = (nil, nil)
        }
        update.source = nil
        if before.state == .running { (update.exited, update.seenExited, update.deadline) = (nil, nil, nil) }
        let isSettled = SettledRow.isSettled(before.state, source: before.facts.source, facts)
        if source == .disk, !isSettled { update.fill(in: before.facts) }
        return update
    }

    /// The state that follows from the rows of a session's artifacts, and why it is not the good one.
    private func derived(_ key: Int64) throws(CatalogError) -> (state: SessionState, reason: String?) {
        let rows = try artifactRows(key).sortedByKey
        let state = SessionState.derived(from: rows.map(\.value.state))
        guard state != .harvested else { return (state, nil) }
        let wanted: [ArtifactState] = state == .skipped ? [.skipped] : [.lost, .failed, .incomplete, .pending]
        guard let worst = rows.first(where: { wanted.contains($0.value.state) }) else { return (state, nil) }
        return (state, "\(worst.key): \(worst.value.reason ?? worst.value.state.rawValue)")
    }

    private static func update(_ facts: SessionFacts) -> SessionUpdate {
        var update = SessionUpdate(session: facts.session)
        update.image = facts.image.isEmpty ? nil : facts.image
        update.tag = facts.tag
        update.location = facts.location
        update.host = facts.host
        update.labels = facts.labels
        update.created = facts.created
        update.exited = facts.exited
        update.seenExited = facts.firstSeenExited
        update.deadline = facts.deadline
        update.source = facts.source
        return update
    }
}

extension SessionUpdate {
    /// Leaves out what is known already.
    fileprivate mutating func fill(in known: SessionUpdate) {
        if known.image != nil { image = nil }
        if known.tag != nil { tag = nil }
        if known.location != nil { location = nil }
        if known.host != nil { host = nil }
        if known.labels != nil { labels = nil }
        if known.created != nil { created = nil }
        if known.exited != nil { exited = nil }
        if known.deadline != nil { deadline = nil }
    }
}
