internal import Files
import Model
public import Pack
public import PackHome
import Text

/// The progress of a reindex.
public struct ReindexProgress: Sendable, Equatable {
    /// Number of packs read so far, including damaged ones.
    public var packs: Int
    /// Number of packs found.
    public var total: Int

    /// Creates a progress value.
    public init(packs: Int, total: Int) {
        self.packs = packs
        self.total = total
    }
}

/// The result of a reindex.
public struct ReindexReport: Sendable {
    /// A pack that could not be indexed, and why.
    public struct Damage: Sendable, Equatable {
        /// The pack, relative to the store.
        public var path: String
        /// What is wrong.
        public var message: String
    }

    /// A pack that was skipped because its session has another one.
    public struct Second: Sendable, Equatable {
        /// The pack, relative to the store.
        public var path: String
        /// The session's id.
        public var session: String
    }

    /// Number of packs indexed.
    public var indexed = 0
    /// Damaged packs. The rows of their sessions, if any, are unchanged.
    public var damaged: [Damage] = []
    /// Skipped packs of sessions with another pack, which the catalog uses. No query finds their content until the
    /// session's next ingest merges it.
    public var superseded: [Second] = []
    /// Sessions whose pack is gone. Finished ones are now `lost`; the others fetch the artifacts again.
    public var missing: [String] = []
    /// Folders and packs that cannot be read now, and why. They are not considered damaged or gone.
    public var unreadable: [Damage] = []
    /// Sessions whose pack cannot be checked now, and why; their rows are unchanged.
    public var unknown: [(session: String, reason: String)] = []
    /// The new path of the damaged database, if there was one.
    public var setAside: String?

    /// Whether there are no problems to report.
    public var isWhole: Bool {
        damaged.isEmpty && superseded.isEmpty && missing.isEmpty && unreadable.isEmpty && unknown.isEmpty
    }
}

extension PackContents {
    /// Reads the contents of an open pack.
    ///
    /// - Parameter path: the pack's path, relative to the store.
    public init(_ reader: PackReader, path: String) throws(PackError) {
        self.init(
            facts: try reader.session().withEnd(members: reader.members),
            artifacts: try reader.artifacts(), members: reader.members,
            crashes: try reader.crashes(), path: path, packBytes: reader.fileSize)
    }
}

extension Catalog {
    /// Rebuilds the catalog of a store from its packs, even when the database is missing or damaged.
    ///
    /// An intact database keeps the ledger of its sessions, including those without a pack; harvests and ingests may
    /// run meanwhile. A damaged database, even if only its header or table definitions are damaged, is first renamed to
    /// `catalog.sqlite.damaged-<time>`; then only the data in packs is recovered.
    ///
    /// - Parameters:
    ///   - store: the store's folder.
    ///   - home: where its packs are.
    ///   - alone: called before a damaged database is renamed, to ensure that no other process uses it.
    ///   - renew: called with each pack's contents before they are recorded, to renew crash records with symbols and
    ///     rules that packs do not have.
    ///   - progress: called after each batch of packs.
    /// - Throws: ``CatalogError``; damaged packs are not an error but listed in the report.
    public static func reindex(
        store: String, home: any PackHome, alone: () throws(CatalogError) -> Void = {},
        renew: (inout PackContents) -> Void = { _ in }, progress: (ReindexProgress) -> Void = { _ in }
    ) throws(CatalogError) -> ReindexReport {
        do throws(CatalogError) {
            return try openIntact(store: store).reindex(home: home, renew: renew, progress: progress)
        } catch {
            if error.code != .corrupt { guard try hasWrongHeader(error) else { throw error } }
            try alone()
            let aside = try setAside(store: store)
            var report = try open(store: store).reindex(home: home, renew: renew, progress: progress)
            report.setAside = aside
            return report
        }
    }

    private static func openIntact(store: String) throws(CatalogError) -> Catalog {
        let catalog = try open(store: store)
        let problems = try catalog.integrityProblems()
        guard problems.isEmpty else {
            catalog.close()
            throw CatalogError(code: .corrupt, message: problems.joined(separator: "; "), path: catalog.path)
        }
        return catalog
    }

    /// Indexes every pack of the store again into the existing database; see ``reindex(store:home:alone:renew:progress:)``.
    ///
    /// It works on a shared catalog too, whose ledger, decisions and leases stay. A shared catalog with damaged tables is not set
    /// aside: restore it from a backup, or let salvage create the tables in an empty database, and call this.
    ///
    /// Other processes may publish and commit packs meanwhile: each pack is checked again inside the transaction that
    /// records it, and a row loses its pack only if the file is found not to exist inside the transaction.
    public func reindex(
        home: any PackHome, renew: (inout PackContents) -> Void = { _ in },
        progress: (ReindexProgress) -> Void = { _ in }
    ) throws(CatalogError) -> ReindexReport {
        let listing = home.list()
        var run = ReindexRun(home: home, listing: listing)
        var batch: [ReindexRun.Found] = []
        for (index, pack) in listing.packs.enumerated() {
            if var found = run.read(pack) {
                renew(&found.contents)
                if run.choose(found) { batch.append(found) }
            }
            if batch.count >= 64 || batch.reduce(0, { $0 + $1.contents.members.count }) >= 20_000
                || index == listing.packs.count - 1
            {
                try enter(batch, &run)
                batch.removeAll()
                progress(ReindexProgress(packs: index + 1, total: listing.packs.count))
            }
        }
        // New generations published meanwhile. Their publisher records them too, unless it was interrupted.
        for _ in 0..<3 where !run.replaced.isEmpty {
            let again = run.takeReplaced()
            for pack in again {
                guard var found = run.read(pack) else { continue }
                renew(&found.contents)
                try enter([found], &run)
            }
        }
        try forgetMissingPacks(home, listing, &run.report)
        return run.report
    }

    private func enter(_ batch: [ReindexRun.Found], _ run: inout ReindexRun) throws(CatalogError) {
        guard !batch.isEmpty else { return }
        let home = run.home
        let listed = run.listed
        let packs = batch.map { IndexedPack($0.contents) }
        let texts = try intern(packs)
        let (replaced, outdone) = try write { (connection) throws(CatalogError) in
            var replaced: [ReindexRun.Found] = []
            var outdone: [ReindexReport.Second] = []
            let writer = try PackRows(connection, texts)
            let named = try connection.prepare("SELECT pack FROM sessions WHERE id = ?1")
            for (found, pack) in zip(batch, packs) {
                guard case .present(let now) = home.presence(of: found.contents.path), now.isSame(as: found.pack) else {
                    replaced.append(found)
                    continue
                }
                named.bind(1, found.contents.facts.session)
                let other = try named.step() ? named.textOrNil(0) : nil
                named.reset()
                if let other, !other.hasSameBytes(as: found.contents.path),
                    listed.contains(other) ? !run.isReadable(other) : run.mayExist(other)
                {
                    outdone.append(.init(path: found.contents.path, session: found.contents.facts.session))
                    continue
                }
                try writer.put(pack, from: .disk)
            }
            return (replaced, outdone)
        }
        run.report.indexed -= outdone.count
        run.report.superseded += outdone
        run.replaced += replaced.map(\.contents.path)
    }

    /// Records that packs are gone: a session without its bytes must not look harvested.
    private func forgetMissingPacks(
        _ home: any PackHome, _ listing: PackListing, _ report: inout ReindexReport
    ) throws(CatalogError) {
        let listed = ByteSet(listing.packs.map(\.path))
        let (missing, unknown) = try write { (connection) throws(CatalogError) in
            var missing: [String] = []
            var unknown: [(session: String, reason: String)] = []
            let rows = try connection.prepare("SELECT id, pack FROM sessions WHERE pack IS NOT NULL ORDER BY id")
            while try rows.step() {
                guard !listed.contains(rows.text(1)) else { continue }
                switch home.presence(of: rows.text(1)) {
                case .present: continue
                case .unknown(let reason): unknown.append((rows.text(0), reason.message))
                case .absent:
                    if listing.isEmpty {
                        unknown.append((rows.text(0), "packs/ is empty or missing; is its disk mounted?"))
                    } else {
                        missing.append(rows.text(0))
                    }
                }
            }
            try Self.forget(missing, connection)
            return (missing, unknown)
        }
        report.missing = missing
        report.unknown = unknown
    }

    /// A finished session has lost the content of its pack. An unfinished one can fetch it again.
    private static func forget(_ sessions: [String], _ connection: any SQLConnection) throws(CatalogError) {
        try dropPacks(of: sessions, connection)
        let ledger = try LedgerWriter(connection)
        let find = try connection.prepare("SELECT key, state FROM sessions WHERE id = ?1")
        let mark = try connection.prepare(
            """
            UPDATE artifacts SET state = ?2, reason = ?3 WHERE session = ?1 AND state IN ('collected', 'incomplete')
            """)
        for session in sessions {
            find.bind(1, session)
            guard try find.step() else { continue }
            let key = find.integer(0)
            let isOpen = SessionState(rawValue: find.text(1)).map { !$0.isFinal } ?? false
            find.reset()
            mark.bind(1, key).bind(2, (isOpen ? ArtifactState.pending : .lost).rawValue)
            try mark.bind(3, SessionRecord.packGone).run()
            guard !isOpen else { continue }
            try ledger.apply(SessionUpdate(session: session, state: .lost, reason: SessionRecord.packGone))
        }
    }
}

/// The state of one reindex.
struct ReindexRun {
    /// A pack that was read.
    struct Found {
        var contents: PackContents
        /// The pack as it was when it was read.
        var pack: StoredPack
    }

    let home: any PackHome
    /// Packs that existed at the start.
    let listed: ByteSet
    var report = ReindexReport()
    /// Packs that were replaced between reading and recording.
    var replaced: [String] = []
    private var chosen: ByteDictionary<Found> = [:]

    init(home: any PackHome, listing: PackListing) {
        self.home = home
        listed = ByteSet(listing.packs.map(\.path))
        report.unreadable = listing.troubles.map { .init(path: $0.path, message: $0.message) }
    }

    /// Reads a pack; nil when it is damaged, cannot be read now, or was removed.
    mutating func read(_ listed: StoredPack) -> Found? {
        do throws(PackError) {
            let reader = try home.reader(for: listed.path)
            var pack = listed
            if try reader.identity() != listed.identity {
                guard case .present(let now) = home.presence(of: listed.path) else { return nil }
                pack = now
            }
            return Found(contents: try PackContents(reader, path: listed.path), pack: pack)
        } catch {
            if error.isAbsence { return nil }
            let damage = ReindexReport.Damage(path: listed.path, message: error.description)
            if error.isLocalFault { report.unreadable.append(damage) } else { report.damaged.append(damage) }
            return nil
        }
    }

    /// Whether a pack is the best of its session so far: one with the session's own file name wins, otherwise the
    /// newer.
    mutating func choose(_ found: Found) -> Bool {
        let session = found.contents.facts.session
        guard let other = chosen[session] else {
            report.indexed += 1
            chosen[session] = found
            return true
        }
        let own = PackPath.fileName(session: session)
        let isBetter =
            (found.pack.name == own) != (other.pack.name == own)
            ? found.pack.name == own : found.pack.modified > other.pack.modified
        report.superseded.append(.init(path: (isBetter ? other : found).contents.path, session: session))
        if isBetter { chosen[session] = found }
        return isBetter
    }

    /// Whether an unlisted pack may still exist: it was committed since, or its disk is not mounted. In the latter case
    /// its row is reported as unknown.
    func mayExist(_ path: String) -> Bool { home.presence(of: path) != .absent }

    /// Whether a listed pack can be read and so compared with others of its session. If not, its row is unchanged.
    func isReadable(_ path: String) -> Bool {
        do throws(PackError) {
            _ = try home.reader(for: path).session()
            return true
        } catch {
            return error.isAbsence
        }
    }

    /// The packs to read again.
    mutating func takeReplaced() -> [StoredPack] {
        defer { replaced = [] }
        return replaced.compactMap { path in
            guard case .present(let pack) = home.presence(of: path) else { return nil }
            return pack
        }
    }
}
