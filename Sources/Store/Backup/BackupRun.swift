import Calendar
import Catalog
import Glibc
import Model
import Pack
import PackHome
import Terminal
import Text

/// Makes one backup of a store while other processes may use it.
///
/// A session's data moves from `live/` to `spool/` to a pack, and copies are made in this order: data that moves on
/// before it is copied is found in the next place. Packs and catalog are copied until they match.
final class BackupRun {
    struct Tally {
        var copied = 0
        var copiedBytes: UInt64 = 0
        var linked = 0
        var unchanged = 0
    }

    private(set) var tally = Tally()
    /// Messages about other backups that cannot be used; this one is complete without them.
    private(set) var notes: [String] = []
    /// Files that this backup lacks or holds damaged: the reason by path.
    private var gaps: ByteDictionary<String> = [:]
    private let store: String
    private let folder: BackupFolder
    private let catalog: Catalog
    private let progress: (StoreProgress) -> Void
    /// The previous backup: its name, its files by path, and the paths of its gaps.
    private let previous: (name: String, files: ByteDictionary<BackupManifest.File>, gaps: ByteSet)?
    private var files: ByteDictionary<BackupManifest.File> = [:]
    /// Paths of the files copied in this run, to be read back after the sync.
    private var fresh: [String] = []
    /// Paths in this backup of files with several hard links, such as a build's executable and debug file, by device
    /// and inode.
    private var placed: [[UInt64]: String] = [:]

    /// Rounds in which catalog and packs may differ before the store is reported as busy.
    private static let mostRounds = 40
    /// The longest time between the last write to a pack and the commit of its row, in nanoseconds.
    private static let commitTakes: Int64 = 600_000_000_000
    /// Rounds with the same difference after which it is the store's own state, not a harvest in progress.
    private static let stableRounds = 6
    /// The coarsest resolution of file times, in nanoseconds: FAT stores them in steps of two seconds.
    private static let coarsestClock: Int64 = 2_000_000_000
    /// How many times a session's folder is listed while files in it are renamed.
    private static let mostLooks = 5

    /// - Parameter full: whether to take every file from the store, even unchanged ones.
    init(
        store: String, folder: BackupFolder, catalog: Catalog, full: Bool, progress: @escaping (StoreProgress) -> Void
    ) throws {
        self.store = store
        self.folder = folder
        self.catalog = catalog
        self.progress = progress
        var previous: (name: String, files: ByteDictionary<BackupManifest.File>, gaps: ByteSet)?
        let listing = try full ? BackupFolder.Listing() : folder.listing()
        notes += listing.unknown.map { "the backup \($0.name) is not used: \($0.failure.message)" }
        for name in listing.complete.reversed() {
            do {
                let manifest = try BackupManifest.read(from: "\(folder.path)/\(name)")
                let files = ByteDictionary(manifest.files.map { ($0.path, $0) }) { first, _ in first }
                previous = (name, files, ByteSet(manifest.gaps.map(\.path)))
                break
            } catch let failure as StoreError {
                notes.append("the backup \(name) is not used: \(failure.message)")
            }
        }
        self.previous = previous
    }

    /// Makes the backup and returns its name and manifest.
    ///
    /// - Parameter now: milliseconds since 1970.
    /// - Throws: ``StoreError`` when it cannot be completed; the next run resumes it.
    func carryOut(now: Int64) throws -> (name: String, manifest: BackupManifest) {
        guard mkdir(folder.partial, 0o700) == 0 || errno == EEXIST else {
            throw FileCopy.Trouble(.target, folder.partial).failure
        }
        do {
            try takeSessions("live", followsLinks: false) { $0.hasSuffix(".tail") ? 0 : 1 }
            try takeSessions("spool", followsLinks: false) { _ in 0 }
            try takePacksAndCatalog()
            for name in ["filters", "symbols", "pins", "journal", "export"] { try takeTree(name) }
            try takeDamagedCatalogs()
            progress(.syncing)
            try FileCopy.sync(folder.partial)
            try confirm()
            try removeExtras()
        } catch let trouble as FileCopy.Trouble { throw trouble.failure }
        let manifest = BackupManifest(
            created: ISO8601.text(clamping: now), store: StorePath.absolute(store),
            files: files.sortedByKey.map(\.value),
            gaps: gaps.sortedByKey.map { BackupGap(path: $0.key, why: $0.value) })
        try manifest.write(into: folder.partial)
        do {
            try FileCopy.sync(folder.partial)
            let name = folder.newName(now: now)
            guard rename(folder.partial, "\(folder.path)/\(name)") == 0 else {
                throw FileCopy.Trouble(.target, "\(folder.path)/\(name)")
            }
            try FileCopy.sync(folder.path)
            return (name, manifest)
        } catch let trouble as FileCopy.Trouble { throw trouble.failure }
    }

    // MARK: Steps

    /// Takes the session folders below a folder of the store. Each is listed again until none of its files was renamed
    /// meanwhile.
    private func takeSessions(_ name: String, followsLinks: Bool, order: (String) -> Int) throws {
        var tree = StoreTree(store, followsLinks: followsLinks)
        for session in tree.names(in: name) ?? [] where session != ".new" {
            let path = "\(name)/\(session)"
            // salvage creates no links there; one may lead anywhere.
            guard let facts = tree.look(path) else { continue }
            guard facts.st_mode & S_IFMT == S_IFDIR else {
                gaps[path] = "is not a session's folder and was left out"
                continue
            }
            for look in 1...Self.mostLooks {
                var inner = StoreTree(store, followsLinks: followsLinks)
                let found = inner.files(in: path).sorted { (order($0.path), $0.path) < (order($1.path), $1.path) }
                var isWhole = true
                for file in found { isWhole = try take(file) && isWhole }
                if isWhole || look == Self.mostLooks {
                    note(inner.gaps)
                    break
                }
                for file in found { forget(file.path) }
            }
        }
        note(tree.gaps)
    }

    private func takeTree(_ name: String) throws {
        var tree = StoreTree(store, followsLinks: true)
        for file in tree.files(in: name) { _ = try take(file) }
        note(tree.gaps)
    }

    /// Takes catalogs that `reindex` or `restore` set aside: their ledger exists nowhere else.
    private func takeDamagedCatalogs() throws {
        var tree = StoreTree(store, followsLinks: false)
        for name in tree.names(in: ".") ?? [] where Catalog.isSetAside(name) {
            if let facts = tree.look(name), facts.st_mode & S_IFMT == S_IFREG {
                _ = try take(StoreFile(path: name, facts))
            }
        }
        note(tree.gaps)
    }

    /// Takes a catalog and the packs that it names. A pack that keeps differing in the same way differs in the store
    /// itself, which `verify` reports.
    private func takePacksAndCatalog() throws {
        let copy = folder.partial + "/" + Catalog.fileName
        var before: Set<String>?
        var alike = 0
        for _ in 0..<Self.mostRounds {
            progress(.copyingCatalog)
            let began = TimeText.now() &* 1_000_000
            try catalog.copy(to: copy)
            let copied = try Store(.folder(folder.partial)).catalog()
            let named = try copied.packSizes()
            var tree = StoreTree(store, followsLinks: true)
            var present: Set<String> = []
            var unnamed: Set<String> = []
            var unlike: Set<String> = []
            for file in tree.files(in: PackPath.folder) where !Self.isUnfinished(file.path) {
                if named[file.path] == nil, file.path.hasSuffix(PackPath.suffix) {
                    // Written after the catalog was copied: the next backup has it, with its row.
                    if file.modified >= began { continue }
                    unnamed.insert(file.path)
                }
                guard try take(file) else { continue }
                present.insert(file.path)
                // A new generation may have the same size as the one before.
                if file.modified >= began - Self.commitTakes, try !isEntered(file.path, in: copied) {
                    unlike.insert(file.path)
                }
            }
            // Pruned or replaced since it was copied: of no use without a row.
            for path in Array(files.keys) + Array(gaps.keys)
            where path.hasPrefix(PackPath.folder + "/") && !present.contains(path) {
                if named[path] == nil { forget(path) }
            }
            // A pack without a row is usually about to be committed; one that stays without a row is kept as it is.
            unlike.formUnion(named.filter { files[$0.key]?.size != $0.value }.keys)
            unlike.formUnion(unnamed)
            alike = unlike == before ? alike + 1 : 1
            if unlike.isEmpty || alike >= Self.stableRounds {
                note(tree.gaps)
                for path in unlike.subtracting(unnamed) where gaps[path] == nil {
                    gaps[path] = "is not the pack that the catalog knows"
                }
                try enter(catalog: copy)
                return
            }
            before = unlike
            usleep(300_000)
        }
        throw StoreError(
            .storeBusy, "packs and catalog changed faster than they could be copied", path: store,
            hint: "run it again: finished copies are kept", kind: .tryAgain)
    }

    /// Whether a path is a pack that is still being copied to another disk.
    private static func isUnfinished(_ path: String) -> Bool {
        path.split(separator: "/").last.map { FolderPackHome.isUnfinished(String($0)) } ?? false
    }

    /// Whether the copied catalog's rows match a copied pack; true for one that is damaged, which `verify` reports.
    private func isEntered(_ path: String, in catalog: Catalog) throws -> Bool {
        let contents: PackContents
        do throws(PackError) {
            contents = try PackContents(try PackReader.open(path: "\(folder.partial)/\(path)"), path: path)
        } catch {
            if error.isLocalFault { throw error }
            return true
        }
        return try catalog.differences(from: contents).isEmpty
    }

    private func enter(catalog copy: String) throws {
        let content = try FileCopy.digest(copy)
        files[Catalog.fileName] = BackupManifest.File(
            path: Catalog.fileName, size: content.size, mtime: TimeText.now() &* 1_000_000, sha256: content.sha256)
    }

    private func note(_ found: [BackupGap]) { for gap in found { gaps[gap.path] = gap.why } }

    private func forget(_ path: String) {
        files.removeValue(forKey: path)
        gaps.removeValue(forKey: path)
    }

    // MARK: One file

    /// Takes one file; returns false when it no longer exists.
    private func take(_ file: StoreFile) throws -> Bool {
        let known = files[file.path]
        if let known, known.size == file.size, known.mtime == file.modified { return true }
        gaps.removeValue(forKey: file.path)
        let source = "\(store)/\(file.path)"
        let target = "\(folder.partial)/\(file.path)"
        try FileCopy.makeFolders(of: file.path, below: folder.partial)
        progress(.copying(files: files.count, bytes: tally.copiedBytes, path: file.path))
        do {
            let content = try takeUnchanged(file, target) ?? linkOrCopy(file, source, target)
            files[file.path] = BackupManifest.File(
                path: file.path, size: content.size, mtime: file.modified, sha256: content.sha256)
            return true
        } catch let trouble as FileCopy.Trouble where trouble.side == .source {
            files[file.path] = nil
            if trouble.isAbsent { return false }
            // A file that cannot be read must not keep the others from being backed up.
            gaps[file.path] = "cannot be read: \(String(cString: strerror(trouble.code)))"
            return true
        }
    }

    /// Links to the previous backup's file if the store's is unchanged; nil otherwise.
    private func takeUnchanged(_ file: StoreFile, _ target: String) throws -> FileCopy.Content? {
        guard let previous, let known = previous.files[file.path], known.size == file.size,
            known.mtime == file.modified,
            // A gap must be found again: otherwise this backup would pass for complete.
            !previous.gaps.contains(file.path)
        else { return nil }
        let old = "\(folder.path)/\(previous.name)/\(file.path)"
        var facts = stat()
        // A file that was changed in the backup is of no use.
        guard lstat(old, &facts) == 0 else { return nil }
        let there = StoreFile(path: file.path, facts)
        guard there.size == known.size, abs(there.modified &- known.mtime) <= Self.coarsestClock else { return nil }
        unlink(target)
        guard link(old, target) == 0 else { return nil }
        tally.unchanged += 1
        return FileCopy.Content(size: known.size, sha256: known.sha256)
    }

    private func linkOrCopy(_ file: StoreFile, _ source: String, _ target: String) throws -> FileCopy.Content {
        if let content = try takeOtherName(file, target) { return content }
        if file.path.hasPrefix(PackPath.folder + "/"), file.path.hasSuffix(PackPath.suffix) { judge(file, source) }
        if let content = try resume(file, source, target) { return content }
        unlink(target)
        if Self.isImmutable(file.path), !file.isLink, link(source, target) == 0 {
            tally.linked += 1
            remember(file)
            return try FileCopy.digest(target)
        }
        let content = try FileCopy.copy(source, to: target, modified: file.modified)
        tally.copied += 1
        tally.copiedBytes &+= content.size
        fresh.append(file.path)
        remember(file)
        return content
    }

    /// Links a second name of a file that this backup already has; nil otherwise.
    private func takeOtherName(_ file: StoreFile, _ target: String) throws -> FileCopy.Content? {
        guard file.links > 1, let first = placed[[file.device, file.inode]], let known = files[first],
            known.size == file.size, known.mtime == file.modified
        else { return nil }
        unlink(target)
        guard link("\(folder.partial)/\(first)", target) == 0 else { return nil }
        tally.linked += 1
        return FileCopy.Content(size: known.size, sha256: known.sha256)
    }

    /// Keeps the copy of an interrupted backup if it is byte for byte the same; nil otherwise.
    private func resume(_ file: StoreFile, _ source: String, _ target: String) throws -> FileCopy.Content? {
        var facts = stat()
        // A hard link to the store's file has the same inode; it is made again and read once.
        guard lstat(target, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, UInt64(facts.st_ino) != file.inode,
            UInt64(max(0, facts.st_size)) == file.size, let there = try? FileCopy.digest(target, uncached: true),
            try FileCopy.digest(source) == there
        else { return nil }
        tally.unchanged += 1
        remember(file)
        return there
    }

    private func remember(_ file: StoreFile) {
        if file.links > 1 { placed[[file.device, file.inode]] = placed[[file.device, file.inode]] ?? file.path }
    }

    /// Records a gap for a damaged pack, which is copied as it is.
    private func judge(_ file: StoreFile, _ source: String) {
        do throws(PackError) { _ = try PackReader.open(path: source) } catch {
            // Pruned or replaced since it was listed: the copy will notice.
            if error.isAbsence { return }
            let what = error.isLocalFault ? "could not be read now" : "is damaged in the store, and was copied as it is"
            gaps[file.path] = "\(what): \(error)"
        }
    }

    /// Whether a file is never written to once it has its name, so that a backup may share it with the store.
    private static func isImmutable(_ path: String) -> Bool {
        ["packs/", "symbols/", "spool/.quarantine/"].contains { path.hasPrefix($0) }
    }

    // MARK: Completion

    /// Reads the copies back from the disk and compares them.
    private func confirm() throws {
        for (index, path) in fresh.enumerated() {
            guard let file = files[path] else { continue }
            progress(.readingBack(copy: index + 1, of: fresh.count))
            let content = try FileCopy.digest("\(folder.partial)/\(path)", uncached: true)
            guard content.sha256 == file.sha256 else {
                throw StoreError(
                    .copyDiffers, "a copy differs from what was written when read back",
                    path: "\(folder.partial)/\(path)", hint: "the backup's disk or this machine's memory is failing")
            }
        }
    }

    /// Removes files that an interrupted backup or an earlier round copied and this backup does not list.
    private func removeExtras() throws {
        var tree = StoreTree(folder.partial, followsLinks: false)
        for name in tree.names(in: ".") ?? [] {
            var facts = stat()
            guard lstat("\(folder.partial)/\(name)", &facts) == 0 else { continue }
            if facts.st_mode & S_IFMT != S_IFDIR {
                if files[name] == nil { unlink("\(folder.partial)/\(name)") }
                continue
            }
            for file in tree.files(in: name) where files[file.path] == nil { unlink("\(folder.partial)/\(file.path)") }
        }
    }
}
