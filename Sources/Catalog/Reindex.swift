internal import Glibc
public import Pack

/// How far a reindex has come.
public struct ReindexProgress: Sendable, Equatable {
    /// Packs read so far, damaged ones included.
    public var packs: Int
    /// Packs there are.
    public var total: Int

    /// Makes a progress from its parts.
    public init(packs: Int, total: Int) {
        self.packs = packs
        self.total = total
    }
}

/// What a reindex found.
public struct ReindexReport: Sendable, Equatable {
    /// A pack that could not be indexed, and why.
    public struct Damage: Sendable, Equatable {
        /// The pack, relative to the store.
        public var path: String
        /// What is wrong with it.
        public var message: String
    }

    /// Packs indexed.
    public var indexed = 0
    /// Packs that could not be read; the rows of their sessions, if any, stay as they were.
    public var damaged: [Damage] = []
    /// Packs of a session that has another, better one: left alone, relative to the store.
    public var superseded: [String] = []
    /// Sessions whose pack is gone; their rows say `lost` now.
    public var missing: [String] = []
    /// Where the damaged database was put, if there was one.
    public var setAside: String?
}

extension PackContents {
    /// Reads the description from an open pack.
    ///
    /// - Parameter path: where the pack lies, relative to the store.
    public init(_ reader: PackReader, path: String) throws(PackError) {
        self.init(
            facts: try reader.session(), artifacts: try reader.artifacts(), members: reader.members,
            crashes: try reader.crashes(), path: path, packBytes: reader.fileSize)
    }
}

extension Catalog {
    /// The folder of a store that holds the packs.
    public static let packsFolder = "packs"

    /// Rebuilds the catalog of a store from its packs, also when the database is missing or damaged.
    ///
    /// An intact database keeps the ledger of its sessions, those without a pack too. A damaged one is renamed to
    /// `catalog.sqlite.damaged-<time>` first; then only what packs know comes back. No other process may have the
    /// catalog open meanwhile.
    ///
    /// - Parameters:
    ///   - renew: called with each pack's description before it is entered, to make crash records anew from what the
    ///     packs do not know.
    ///   - progress: called now and then.
    /// - Throws: ``CatalogError``; damaged packs are no error, the report names them.
    public static func reindex(
        store: String, renew: (inout PackContents) -> Void = { _ in },
        progress: (ReindexProgress) -> Void = { _ in }
    ) throws(CatalogError) -> ReindexReport {
        do throws(CatalogError) {
            return try openIntact(store: store).reindex(renew: renew, progress: progress)
        } catch {
            guard error.code == .corrupt else { throw error }
            let setAside = try setDatabaseAside(store: store)
            var report = try open(store: store).reindex(renew: renew, progress: progress)
            report.setAside = setAside
            return report
        }
    }

    private static func openIntact(store: String) throws(CatalogError) -> Catalog {
        let catalog = try open(store: store)
        let verdict = try catalog.read { (connection) throws(CatalogError) in
            let check = try connection.prepare("PRAGMA quick_check(1)")
            return try check.step() ? check.text(0) : "no answer"
        }
        guard verdict == "ok" else { throw CatalogError(code: .corrupt, message: verdict, path: catalog.path) }
        return catalog
    }

    /// Indexes every pack of the store again, within the database as it is; see
    /// ``reindex(store:renew:progress:)``.
    public func reindex(
        renew: (inout PackContents) -> Void = { _ in }, progress: (ReindexProgress) -> Void = { _ in }
    ) throws(CatalogError) -> ReindexReport {
        let files = PackFiles.list(store: store, folder: Self.packsFolder)
        var report = ReindexReport()
        var batch: [PackContents] = []
        var chosen: [String: PackFiles.Entry] = [:]
        for (index, file) in files.enumerated() {
            do throws(PackError) {
                let reader = try PackReader.open(path: "\(store)/\(file.path)")
                var contents = try PackContents(reader, path: file.path)
                renew(&contents)
                if let other = chosen[contents.facts.session], !file.isBetter(than: other, for: contents.facts.session)
                {
                    report.superseded.append(file.path)
                } else {
                    if let other = chosen[contents.facts.session] {
                        report.superseded.append(other.path)
                    } else {
                        report.indexed += 1
                    }
                    chosen[contents.facts.session] = file
                    batch.append(contents)
                }
            } catch { report.damaged.append(.init(path: file.path, message: error.description)) }
            if batch.count >= 64 || batch.reduce(0, { $0 + $1.members.count }) >= 20_000 || index == files.count - 1 {
                try commit(batch)
                batch.removeAll()
                progress(ReindexProgress(packs: index + 1, total: files.count))
            }
        }
        report.missing = try forgetMissingPacks(present: Set(files.map(\.path)))
        return report
    }

    /// Rows whose pack is not in the store any more say so; a row without bytes behind it must not look harvested.
    private func forgetMissingPacks(present: Set<String>) throws(CatalogError) -> [String] {
        let missing = try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare("SELECT id, pack FROM sessions WHERE pack IS NOT NULL ORDER BY id")
            var missing: [String] = []
            while try rows.step() { if !present.contains(rows.text(1)) { missing.append(rows.text(0)) } }
            return missing
        }
        guard !missing.isEmpty else { return [] }
        try removePacks(sessions: missing)
        try record(
            sessions: missing.map {
                SessionUpdate(session: $0, state: .lost, reason: "its pack is gone from the store")
            })
        return missing
    }

    private static func setDatabaseAside(store: String) throws(CatalogError) -> String {
        let path = store.hasSuffix("/") ? store + fileName : store + "/" + fileName
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let target = "\(path).damaged-\(now.tv_sec)"
        // The write-ahead log goes first: left behind, it would be replayed into the new database.
        for suffix in ["-wal", "-shm", ""] where rename(path + suffix, target + suffix) != 0 && errno != ENOENT {
            throw CatalogError(
                code: .io, message: "the damaged catalog cannot be set aside: \(String(cString: strerror(errno)))",
                path: path + suffix, hint: "check the owner and the mode of the store")
        }
        return target
    }
}

/// The pack files below a folder.
enum PackFiles {
    struct Entry {
        /// Relative to the store.
        var path: String
        var name: String
        var modified: Int64

        /// Of two packs of one session the one with the session's own file name counts, then the newer.
        func isBetter(than other: Entry, for session: String) -> Bool {
            let own = PackPath.fileName(session: session)
            if (name == own) != (other.name == own) { return name == own }
            return modified > other.modified
        }
    }

    /// All of them, in the order of their paths. Links are not followed; what cannot be read is passed over.
    static func list(store: String, folder: String, depth: Int = 8) -> [Entry] {
        guard depth > 0, let handle = opendir("\(store)/\(folder)") else { return [] }
        defer { closedir(handle) }
        var entries: [Entry] = []
        while let found = readdir(handle) {
            let name = withUnsafePointer(to: &found.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(".") { continue }
            var info = stat()
            let path = "\(folder)/\(name)"
            guard lstat("\(store)/\(path)", &info) == 0 else { continue }
            switch info.st_mode & S_IFMT {
            case S_IFDIR: entries += list(store: store, folder: path, depth: depth - 1)
            case S_IFREG where name.hasSuffix(PackPath.suffix):
                let modified = Int64(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec)
                entries.append(Entry(path: path, name: name, modified: modified))
            default: continue
            }
        }
        return entries.sorted { $0.path < $1.path }
    }
}
