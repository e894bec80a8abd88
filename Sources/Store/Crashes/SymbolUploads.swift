import Catalog
import Clocks
import CrashAnalysis
import Files
import Glibc
import S3

/// Adds files to the symbols of a shared store: first the object, then the row that says what it is.
///
/// debuginfod's paths leave one key for all files of a build, so a better file replaces a lesser one under its key. Two
/// machines may do that at once. Each one records what it uploaded only while the bucket has that object (its `etag`), and
/// only in place of the row that it read; so at the end the row describes the object. A process that dies between the two
/// leaves an object without its row: copies of it are refused, because they differ from the row, and the next `symbols add`
/// of the build uploads it again.
struct SymbolUploads {
    private let catalog: Catalog
    private let cache: SymbolCache
    private var bucket: any SymbolBucket { cache.bucket }

    /// How often an upload is repeated because another machine changed the same file.
    private static let mostTries = 8

    init(catalog: Catalog, cache: SymbolCache) {
        self.catalog = catalog
        self.cache = cache
    }

    /// Adds files, or all below folders.
    ///
    /// - Parameter adding: called before each path.
    /// - Throws: as `Store.addSymbols` does.
    func add(_ paths: [String], adding: (String) -> Void) throws -> SymbolStore.Addition {
        try StoreFolder.make(cache.store.root)
        let root = try workplace()
        defer {
            _ = try? Folders.removeTree(root.path)
            withExtendedLifetime(root.lock) {}
        }
        let staging = SymbolStore(root: root.path)
        var addition = SymbolStore.Addition()
        for path in paths {
            adding(path)
            do throws(CrashError) { addition.join(try staging.add(path: path)) } catch {
                guard paths.count > 1, error.code == .unreadable else { throw error }
                addition.unread.append(error)
            }
        }
        addition.added = []
        var programs: Set<FileIdentity> = []
        for entry in try staging.list().sorted(by: { $0.kind == .executable && $1.kind != .executable }) {
            guard let name = SymbolName(entry, in: staging) else { continue }
            let file = try OpenFile(entry.path, O_RDONLY | O_NONBLOCK)
            let isTwin = !programs.insert(try FileIdentity(of: file.descriptor)).inserted
            let isNew = try upload(file, name)
            // One file under both names counts once, as in an embedded store.
            if isTwin { continue }
            if isNew {
                addition.added.append(
                    SymbolStore.Entry(identity: name.identity, kind: name.kind, size: entry.size, path: name.key))
            } else {
                addition.known += 1
            }
        }
        addition.added.sort { ($0.identity, $0.kind.rawValue) < ($1.identity, $1.kind.rawValue) }
        return addition
    }

    // MARK: One file

    /// Uploads a file unless the store has one as good; false if it has.
    private func upload(_ file: OpenFile, _ name: SymbolName) throws -> Bool {
        let content = try FileCopy.sha256(of: file)
        let detail = try SymbolStore.detail(of: file.path)
        var row = SymbolRow(
            identity: name.identity, kind: name.kind.rawValue, name: name.name, key: name.key, bytes: content.size,
            sha256: content.sha256, etag: "", detail: detail, added: WallClock.now())
        for _ in 0..<Self.mostTries {
            let earlier = try earlier(name)
            // The row of an object that was lost is worth nothing.
            if let earlier, Self.isAsGood(earlier, as: row), try bucket.head(name.key)?.etag == earlier.etag {
                return false
            }
            row.etag = try put(file, row).etag
            if try record(row, name, replacing: earlier) {
                cache.adopt(file.path, as: row)
                return true
            }
        }
        throw StoreError(
            .symbolsUnavailable, "the symbols were not stored: others changed them all the time", path: name.key,
            hint: "run the command again", kind: .tryAgain)
    }

    private func earlier(_ name: SymbolName) throws(CatalogError) -> SymbolRow? {
        try catalog.symbols(of: [name.identity]).first { SymbolName($0) == name }
    }

    /// Whether a stored file has at least as many symbols.
    private static func isAsGood(_ earlier: SymbolRow, as row: SymbolRow) -> Bool {
        // Text symbols of one build may come from a better version of the tool.
        earlier.sha256 == row.sha256
            || row.kind != SymbolStore.Entry.Kind.breakpad.rawValue && earlier.detail >= row.detail
    }

    /// Stores the file under its key. What is there was found to be lesser, or to be of an interrupted upload.
    private func put(_ file: OpenFile, _ row: SymbolRow) throws -> S3Object {
        for _ in 0..<Self.mostTries {
            do throws(S3Error) {
                if try bucket.head(row.key) != nil, let failure = try bucket.delete([row.key]).first {
                    throw failure.error
                }
                return try bucket.upload(row.key, from: file.descriptor, size: row.bytes)
            } catch {
                // Another machine was faster: its file is replaced, or its row is found.
                guard error.code == .exists else { throw error }
            }
        }
        throw StoreError(
            .symbolsUnavailable, "the symbols were not stored: others store them at the same time", path: row.key,
            hint: "run the command again", kind: .tryAgain)
    }

    /// Records what was uploaded; false if another machine has replaced it, which then records its own.
    private func record(_ row: SymbolRow, _ name: SymbolName, replacing first: SymbolRow?) throws -> Bool {
        var earlier = first
        for _ in 0..<Self.mostTries {
            guard try bucket.head(row.key)?.etag == row.etag else { return false }
            if try catalog.put(symbol: row, replacing: earlier) { return true }
            earlier = try self.earlier(name)
            // The same file, from elsewhere.
            if let earlier, earlier.sha256 == row.sha256, earlier.etag == row.etag { return true }
        }
        return false
    }

    // MARK: The folder for what is being added

    private static let folderName = ".adding"

    /// Creates a folder for the files, on the file system of the copies. Its path is used while the folder with the copies
    /// has a shared lock; folders of processes that were killed are removed while nobody has one.
    private func workplace() throws(FileFailure) -> (path: String, lock: OpenFolder) {
        let root = try OpenFolder(path: cache.store.root)
        if try FileLock.tryTake(.exclusive, of: root.descriptor, path: root.path) {
            for entry in try root.entries() where entry.kind == .folder && entry.name.hasPrefix(Self.folderName + ".") {
                // What cannot be removed now is left to the next call.
                _ = try? root.removeTree(entry)
            }
        }
        try FileLock.take(.shared, of: root.descriptor, path: root.path)
        return (try Folders.makeTemporary(Self.folderName, in: cache.store.root), root)
    }
}
