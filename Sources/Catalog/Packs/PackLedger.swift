import Model
internal import Pack
import Text

/// The ledger's rows of a session before a pack is recorded.
struct LedgerStanding {
    var state: SessionState
    /// Whether the row's state or source is a word that salvage never writes, which means that the database is damaged.
    var isRotten: Bool
    var reason: String?
    /// Whether the session is known only from a manual ingest: it has no ledger other than its pack.
    var isByHand: Bool
    var pack: String?
    var packBytes: UInt64
    var pruned: Int64?
    var prunedWhy: String?
    var rows: ByteDictionary<ArtifactStanding> = [:]
    /// The facts recorded so far. Its labels are not read: `setsLabels` says whether there are any.
    var facts: SessionUpdate

    /// Takes a session's row, without its artifacts.
    init(_ record: SessionRecord, isRotten: Bool, hasLabels: Bool) {
        state = record.state
        self.isRotten = isRotten
        reason = record.reason
        isByHand = record.source == "ingest"
        pack = record.pack
        packBytes = record.packBytes
        pruned = record.pruned
        prunedWhy = record.prunedWhy
        facts = SessionUpdate(record)
        facts.setsLabels = hasLabels
    }
}

extension ArtifactStanding {
    /// Whether it only records that the bytes are gone, so that a pack with the bytes replaces it.
    fileprivate var isOfMissingBytes: Bool { reason == SessionRecord.packGone || isPruned }

    fileprivate var isPruned: Bool { reason?.hasPrefix(SessionRecord.bytesPruned) == true }

    fileprivate var isHeld: Bool { state == .collected || state == .incomplete }
}

/// Records the ledgers in packs, within one transaction. The ledger is newer than a pack found on disk: such a pack
/// only fills gaps, and an unfinished session stays unfinished.
final class PackLedger {
    private let connection: any SQLConnection
    private let ledger: LedgerWriter
    private let find: any SQLStatement
    private let rows: any SQLStatement
    /// The same by the session's id, for engines where the key is a round trip away.
    private let rowsOfSession: (any SQLStatement)?
    private let markPruned: any SQLStatement
    private let setPruned: any SQLStatement
    private let putDownload: any SQLStatement

    init(_ connection: any SQLConnection, _ ledger: LedgerWriter) throws(CatalogError) {
        self.connection = connection
        self.ledger = ledger
        find = try connection.prepare(
            SessionColumns.select(extra: ", (SELECT count(*) FROM labels WHERE session = s.key)")
                + " WHERE s.id = ?1\(connection.rowLock)")
        rows = try connection.prepare(
            "SELECT artifact, state, reason, last_try, tries FROM artifacts WHERE session = ?1")
        rowsOfSession =
            connection.isRemote
            ? try connection.prepare(
                """
                SELECT artifact, state, reason, last_try, tries FROM artifacts
                WHERE session = (SELECT key FROM sessions WHERE id = ?1)
                """) : nil
        markPruned = try connection.prepare(
            "UPDATE artifacts SET state = 'skipped', reason = ?3 WHERE session = ?1 AND artifact = ?2")
        setPruned = try connection.prepare("UPDATE sessions SET pruned = ?2, pruned_why = ?3 WHERE key = ?1")
        putDownload = try connection.prepare(
            """
            INSERT INTO downloads(session, name, bytes, modified) VALUES(?1, ?2, ?3, ?4)
            ON CONFLICT(session, name) DO UPDATE SET bytes = excluded.bytes, modified = excluded.modified
            """)
    }

    /// Records a pack's session facts and artifacts; returns the key of the session's row.
    ///
    /// - Parameter found: receives the key before the first of these changes.
    func put(
        _ contents: PackContents, from source: PackSource, found: (Int64) throws(CatalogError) -> Void
    ) throws(CatalogError) -> Int64 {
        var before = try standing(of: contents.facts.session)
        let key = try ledger.key(of: contents.facts.session)
        // Another writer may have created the row since it was looked for.
        if before == nil, !ledger.created.contains(contents.facts.session) {
            before = try standing(of: contents.facts.session)
        }
        try found(key)
        var isNews = before == nil
        for entry in contents.artifacts {
            if Self.wins(entry, over: before, source) {
                try ledger.put(entry, nextTry: nil, session: key)
                isNews = true
            } else if source == .disk, let row = before?.rows[entry.artifact], row.state == entry.state, row.isHeld {
                // The pack's findings about the download hold, whatever happened to the row.
                var same = entry
                same.lastTry = [entry.lastTry, row.lastTry].compactMap { $0 }.max()
                same.tries = max(entry.tries, row.tries)
                try ledger.put(same, nextTry: nil, session: key)
            }
        }
        try keepPruned(contents, key, before, source)
        try note(contents, key, before, source)
        try ledger.apply(try update(contents.facts, key, before, source, isNews: isNews))
        return key
    }

    private func standing(of session: String) throws(CatalogError) -> LedgerStanding? {
        // Sent together; the second one reads what is there once the first one has locked the session.
        try find.bind(1, session).start()
        try rowsOfSession?.bind(1, session).start()
        guard try find.step() else {
            rowsOfSession?.reset()
            return nil
        }
        defer { find.reset() }
        let record = SessionColumns.record(find)
        let isKnown = SessionColumns.state(find) != nil && SettledRow.isKnown(source: record.source)
        var standing = LedgerStanding(record, isRotten: !isKnown, hasLabels: find.integer(SessionColumns.count) > 0)
        ledger.note(find.integer(0), of: session)
        if let rowsOfSession {
            standing.rows = try artifactRows(rowsOfSession)
        } else {
            standing.rows = try artifactRows(rows.bind(1, find.integer(0)))
        }
        return standing
    }

    private func artifactRows(_ rows: any SQLStatement) throws(CatalogError) -> ByteDictionary<ArtifactStanding> {
        var found: ByteDictionary<ArtifactStanding> = [:]
        while try rows.step() {
            let artifact = rows.text(0)
            found[artifact] = ArtifactStanding(
                artifact: artifact, state: ArtifactState(rawValue: rows.text(1)) ?? .failed, reason: rows.textOrNil(2),
                lastTry: rows.integerOrNil(3), tries: Int(clamping: rows.integer(4)))
        }
        return found
    }

    /// Whether a pack's row of an artifact replaces the ledger's.
    private static func wins(_ entry: ArtifactEntry, over before: LedgerStanding?, _ source: PackSource) -> Bool {
        guard source != .harvest, let before, let row = before.rows[entry.artifact] else { return true }
        if row.isOfMissingBytes || before.isByHand { return true }
        if case .ingest(let artifacts) = source, artifacts.contains(where: { $0.hasSameBytes(as: entry.artifact) }) {
            // An ingested file of that name does not settle an artifact that a harvest still fetches.
            return before.state.isFinal || row.state != .pending
        }
        // It has been requested again since the pack was made.
        if row.state == .pending { return entry.lastTry ?? .min > row.lastTry ?? .min }
        return worth(entry.state) > worth(row.state)
    }

    /// Bytes in a pack outrank any state recorded without the pack.
    private static func worth(_ state: ArtifactState) -> Int {
        switch state {
        case .collected: 2
        case .incomplete: 1
        case .pending, .absent, .skipped, .failed, .lost: 0
        }
    }

    /// Keeps the record of a prune until the session's pack holds the pruned bytes again.
    private func keepPruned(
        _ contents: PackContents, _ key: Int64, _ before: LedgerStanding?, _ source: PackSource
    ) throws(CatalogError) {
        guard let before, before.pruned != nil else { return }
        let held = ByteSet(contents.artifacts.map(\.artifact))
        var isMissing = false
        if source != .harvest {
            for (artifact, row) in before.rows where !held.contains(artifact) {
                // Without an earlier pack, the collected artifacts are the pruned ones.
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

    /// Records which files of the spool are in the pack, replacing the record for the previous pack.
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
        _ facts: SessionMetadata, _ key: Int64, _ before: LedgerStanding?, _ source: PackSource, isNews: Bool
    ) throws(CatalogError) -> SessionUpdate {
        var update = SessionUpdate(facts)
        let isTold = source == .harvest || before.map { $0.isByHand || source == .disk && $0.isRotten } ?? true
        let derived = try derived(key)
        if isTold {
            update.state = facts.state.flatMap(SessionState.init(rawValue:)) ?? derived.state
            update.reason = facts.reason
            return update
        }
        guard let before else { return update }
        // Only its harvest ends an unfinished session.
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

    /// The state derived from a session's artifacts, and the reason unless it is `harvested`.
    private func derived(_ key: Int64) throws(CatalogError) -> (state: SessionState, reason: String?) {
        let rows = try artifactRows(rows.bind(1, key)).sortedByKey.map(\.value)
        let state = SessionState.derived(from: rows.map(\.state))
        return (state, state.reason(from: rows.lazy.map { ($0.artifact, $0.state, $0.reason) }))
    }
}

extension SessionUpdate {
    /// Keeps the facts that are already known.
    fileprivate mutating func fill(in known: SessionUpdate) {
        if known.setsLabels { (identity.labels, setsLabels) = ([:], false) }
        var identity = known.identity
        identity.merge(from: self.identity)
        self.identity = identity
        if known.exited != nil { exited = nil }
        if known.deadline != nil { deadline = nil }
    }
}
