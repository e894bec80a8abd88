import Catalog
import Glibc
import Pack
import Terminal
import Text

/// Makes one backup of a store, beside whatever works on it.
///
/// What a session leaves goes from `live/` to `spool/` to a pack, and copies are made in this order: what moves on
/// before it was copied is met at the next station. Packs and catalog are taken until they fit together.
final class BackupRun {
    struct Tally {
        var copied = 0
        var copiedBytes: UInt64 = 0
        var linked = 0
        var unchanged = 0
    }

    private(set) var tally = Tally()
    /// About other backups: this one lacks nothing for it.
    private(set) var notes: [String] = []
    /// What this backup lacks, or holds damaged, and why, by path.
    private var gaps: ByteDictionary<String> = [:]
    private let store: String
    private let folder: BackupFolder
    private let catalog: Catalog
    private let progress: Progress
    /// The backup before this one: its name, and its files by their paths.
    private let previous: (name: String, files: ByteDictionary<BackupManifest.File>, gaps: ByteSet)?
    private var files: ByteDictionary<BackupManifest.File> = [:]
    /// Copied in this run, to be read again when they are synced.
    private var fresh: [String] = []
    /// Where files with several names, such as a build's executable and debug file, lie in this backup.
    private var placed: [[UInt64]: String] = [:]

    /// Rounds in which catalog and packs may fail to fit together, before a store is called too busy.
    private static let mostRounds = 40
    /// Between the last byte of a pack and its row's commit lies no more than this, in nanoseconds.
    private static let commitTakes: Int64 = 600_000_000_000
    /// Rounds in which they fail in the same way before that is the store's own state, not a harvest on its way.
    private static let stableRounds = 6
    /// File systems count times in steps of up to two seconds; in nanoseconds.
    private static let coarsestClock: Int64 = 2_000_000_000
    /// How often a folder of a session is listed again when a file in it was renamed meanwhile.
    private static let mostLooks = 5

    /// - Parameter full: whether to take every file from the store, the unchanged ones too.
    init(store: String, folder: BackupFolder, catalog: Catalog, full: Bool, progress: Progress) throws {
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
            } catch let failure as Failure {
                notes.append("the backup \(name) is not used: \(failure.message)")
            }
        }
        self.previous = previous
    }

    /// Makes the backup and returns its name and what it holds.
    func carryOut(now: Int64) throws -> (name: String, manifest: BackupManifest) {
        guard mkdir(folder.partial, 0o700) == 0 || errno == EEXIST else {
            throw FileCopy.Trouble(.target, folder.partial).failure
        }
        do {
            try takeSessions("live", followsLinks: false) { $0.hasSuffix(".tail") ? 0 : 1 }
            try takeSessions("spool", followsLinks: false) { _ in 0 }
            try takePacksAndCatalog()
            for name in ["filters", "symbols", "pins", "journal"] { try takeTree(name) }
            try takeDamagedCatalogs()
            progress.update("writing to the disk")
            try FileCopy.sync(folder.partial)
            try confirm()
            try removeExtras()
        } catch let trouble as FileCopy.Trouble { throw trouble.failure }
        let manifest = BackupManifest(
            created: TimeText.iso8601(now), store: StorePath.absolute(store),
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

    // MARK: Stations

    /// The folders of sessions below one of the store's, each as it was at one moment as far as its files are renamed.
    private func takeSessions(_ name: String, followsLinks: Bool, order: (String) -> Int) throws {
        var tree = StoreTree(store, followsLinks: followsLinks)
        for session in tree.names(in: name) ?? [] where session != ".new" {
            let path = "\(name)/\(session)"
            // A link there is nobody's, and may lead anywhere.
            guard let facts = tree.look(path) else { continue }
            guard facts.st_mode & S_IFMT == S_IFDIR else {
                gaps[path] = "is no folder of a session and was left out"
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

    /// Catalogs that `reindex` or `restore` set aside: what they know of the ledger is nowhere else.
    private func takeDamagedCatalogs() throws {
        var tree = StoreTree(store, followsLinks: false)
        for name in tree.names(in: ".") ?? [] where Catalog.isSetAside(name) {
            if let facts = tree.look(name), facts.st_mode & S_IFMT == S_IFREG {
                _ = try take(StoreFile(path: name, facts))
            }
        }
        note(tree.gaps)
    }

    /// A catalog, and just the packs that it names. A pack that goes on to differ in the same way differs in the
    /// store itself, which `verify` judges.
    private func takePacksAndCatalog() throws {
        let copy = folder.partial + "/" + Catalog.fileName
        var before: Set<String>?
        var alike = 0
        for _ in 0..<Self.mostRounds {
            progress.update("copying the catalog")
            let began = TimeText.now() &* 1_000_000
            try catalog.copy(to: copy)
            let copied = try Catalog.open(store: folder.partial, readOnly: true)
            let named = try copied.packSizes()
            var tree = StoreTree(store, followsLinks: true)
            var present: Set<String> = []
            var unnamed: Set<String> = []
            var unlike: Set<String> = []
            for file in tree.files(in: Catalog.packsFolder) where !Self.isUnfinished(file.path) {
                if named[file.path] == nil, file.path.hasSuffix(PackPath.suffix) {
                    // Written since: the next backup has it, with its row.
                    if file.modified >= began { continue }
                    unnamed.insert(file.path)
                }
                guard try take(file) else { continue }
                present.insert(file.path)
                // A new generation may have the size of the one before.
                if file.modified >= began - Self.commitTakes, try !isEntered(file.path, in: copied) {
                    unlike.insert(file.path)
                }
            }
            // Pruned since, or replaced by a pack elsewhere: of no use without a row.
            for path in Array(files.keys) + Array(gaps.keys)
            where path.hasPrefix(Catalog.packsFolder + "/") && !present.contains(path) {
                if named[path] == nil { forget(path) }
            }
            // A pack without a row is mostly one that is being entered; one that stays so is kept as it is.
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
        throw Failure(
            "store_busy", "packs and catalog changed faster than they could be copied", path: store,
            hint: "run it again: what was copied is not copied twice", status: .tryAgain)
    }

    /// A pack that is just being copied to another disk counts for nothing.
    private static func isUnfinished(_ path: String) -> Bool {
        path.split(separator: "/").last.map { StorePacks.isUnfinished(String($0)) } ?? false
    }

    /// Whether the copied catalog has the rows of a pack as it was copied; one that cannot be read is `verify`'s to judge.
    private func isEntered(_ path: String, in catalog: Catalog) throws -> Bool {
        guard let reader = try? PackReader.open(path: "\(folder.partial)/\(path)"),
            let contents = try? PackContents(reader, path: path)
        else { return true }
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

    /// Takes one file; false when it is not there any more.
    private func take(_ file: StoreFile) throws -> Bool {
        let known = files[file.path]
        if let known, known.size == file.size, known.mtime == file.modified { return true }
        gaps.removeValue(forKey: file.path)
        let source = "\(store)/\(file.path)"
        let target = "\(folder.partial)/\(file.path)"
        try FileCopy.makeFolders(of: file.path, below: folder.partial)
        progress.update(
            "\(files.count) files, \(SizeText.binary(tally.copiedBytes)) copied: \(Escape.display(file.path))")
        do {
            let content = try takeUnchanged(file, target) ?? linkOrCopy(file, source, target)
            files[file.path] = BackupManifest.File(
                path: file.path, size: content.size, mtime: file.modified, sha256: content.sha256)
            return true
        } catch let trouble as FileCopy.Trouble where trouble.side == .source {
            files[file.path] = nil
            if trouble.isAbsent { return false }
            // One that cannot be read must not keep the others from being backed up.
            gaps[file.path] = "cannot be read: \(String(cString: strerror(trouble.code)))"
            return true
        }
    }

    /// The last backup's file, if the store's is still the same one.
    private func takeUnchanged(_ file: StoreFile, _ target: String) throws -> FileCopy.Content? {
        guard let previous, let known = previous.files[file.path], known.size == file.size,
            known.mtime == file.modified,
            // What was wrong with it is to be found out again: otherwise this backup would pass for whole.
            !previous.gaps.contains(file.path)
        else { return nil }
        let old = "\(folder.path)/\(previous.name)/\(file.path)"
        var facts = stat()
        // One that was changed by somebody is of no use.
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
        if file.path.hasPrefix(Catalog.packsFolder + "/"), file.path.hasSuffix(PackPath.suffix) { judge(file, source) }
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

    /// A second name of a file that this backup has already.
    private func takeOtherName(_ file: StoreFile, _ target: String) throws -> FileCopy.Content? {
        guard file.links > 1, let first = placed[[file.device, file.inode]], let known = files[first],
            known.size == file.size, known.mtime == file.modified
        else { return nil }
        unlink(target)
        guard link("\(folder.partial)/\(first)", target) == 0 else { return nil }
        tally.linked += 1
        return FileCopy.Content(size: known.size, sha256: known.sha256)
    }

    /// What an interrupted backup copied already, where it is byte for byte the same.
    private func resume(_ file: StoreFile, _ source: String, _ target: String) throws -> FileCopy.Content? {
        var facts = stat()
        // A link to the store's file is made again and read once.
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

    /// A pack that is damaged is kept as it is, and said so.
    private func judge(_ file: StoreFile, _ source: String) {
        do throws(PackError) { _ = try PackReader.open(path: source) } catch {
            // Pruned or replaced since it was listed: the copy will find that out.
            if error.isAbsence { return }
            let what = error.isLocalFault ? "could not be read now" : "is damaged in the store, and was copied as it is"
            gaps[file.path] = "\(what): \(error)"
        }
    }

    /// Files that are never written to once they have their name, so that a backup may share them with the store.
    private static func isImmutable(_ path: String) -> Bool {
        ["packs/", "symbols/", "spool/.quarantine/"].contains { path.hasPrefix($0) }
    }

    // MARK: The end

    /// Reads what was copied back from the disk.
    private func confirm() throws {
        for (index, path) in fresh.enumerated() {
            guard let file = files[path] else { continue }
            progress.update("reading back \(index + 1) of \(fresh.count) copies")
            let content = try FileCopy.digest("\(folder.partial)/\(path)", uncached: true)
            guard content.sha256 == file.sha256 else {
                throw Failure(
                    "copy_differs", "a copy reads back differently from what was written",
                    path: "\(folder.partial)/\(path)", hint: "the disk of the backup is failing, or its memory is")
            }
        }
    }

    /// Removes what an interrupted backup, or a round that was repeated, left of files that are gone.
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
