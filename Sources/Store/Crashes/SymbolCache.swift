import Bytes
import Catalog
import CrashAnalysis
import Digest
import Files
import Glibc
import S3
import Text

/// Copies of a shared store's symbols below `symbols/` in its local folder, in the layout of `SymbolStore`, so that all
/// that reads an embedded store's symbols reads these as well.
///
/// A copy is checked against the SHA-256 in the catalog before its first use, and again when the file has changed since.
/// Copies are limited in bytes; those that were not used for the longest time are removed. A copy in use has a shared lock
/// (flock), so that no process removes it; one that is being made has an exclusive lock, so that it is made once. Locks end
/// with their process.
package final class SymbolCache: Sendable {
    /// The bucket with all symbols.
    package let bucket: any SymbolBucket
    /// The copies.
    let store: SymbolStore
    /// How many bytes the copies may have. What is being downloaded is not counted before it is complete.
    private let limit: UInt64

    private var notes: String { store.root + "/.copies" }
    private var incoming: String { store.root + "/.incoming" }
    /// How often a copy is made that others remove before it is opened.
    private static let mostTries = 5

    /// Names the copies of a shared store; nothing is read or created.
    ///
    /// - Parameters:
    ///   - bucket: the store's bucket.
    ///   - local: the store's local folder.
    ///   - limit: how many bytes the copies may have.
    package init(bucket: any SymbolBucket, local: String, limit: UInt64) {
        self.bucket = bucket
        self.limit = limit
        store = SymbolStore(root: local + "/symbols")
    }

    /// Opens the copy of a file, downloading it if necessary. It is not removed while the result exists.
    ///
    /// - Parameter downloads: whether it may be downloaded.
    /// - Returns: the file; nil if there is no copy and none may be made.
    func hold(_ row: SymbolRow, downloads: Bool = true) throws(SymbolFault) -> OpenFile? {
        guard let name = SymbolName(row), let path = name.path(in: store), row.key.hasSameBytes(as: name.key) else {
            throw SymbolFault("the catalog has a name for it that cannot be used")
        }
        do {
            for _ in 0..<Self.mostTries {
                if let file = try copy(path, row) { return file }
                guard downloads else { return nil }
                try download(name, path, row)
            }
        } catch {
            throw SymbolFault(error)
        }
        throw SymbolFault("its copy was removed each time before it could be read")
    }

    /// Takes over a file that was just uploaded, if there is room for it. It must be on the same file system.
    func adopt(_ file: String, as row: SymbolRow) {
        guard let path = SymbolName(row)?.path(in: store) else { return }
        do {
            try makeRoom(for: row.bytes)
            try note(try OpenFile(file, O_RDONLY | O_NONBLOCK), path, row)
            try Folders.make(Folders.split(path).folder)
            rename(file, path)
        } catch {
            // It is downloaded when it is needed.
        }
    }

    // MARK: Copies

    /// Opens a copy that is there and is what the row says; removes one that is not.
    private func copy(_ path: String, _ row: SymbolRow) throws(FileFailure) -> OpenFile? {
        let file: OpenFile
        do throws(FileFailure) { file = try OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
            if error.isAbsence { return nil }
            throw error
        }
        try file.lock(.shared)
        guard try Self.isStill(file, at: path) else { return nil }
        let sha256 = Hex.text(row.sha256)
        let place = notePath(path)
        if let known = SymbolCopy(at: place), known.sha256 == sha256, known.size == row.bytes,
            try known.describes(file)
        {
            // Without it the copy only seems older than it is.
            utimes(place, nil)
            return file
        }
        guard try file.size == row.bytes, try FileCopy.sha256(of: file).sha256 == row.sha256 else {
            // Whoever has it open keeps it.
            unlink(path)
            return nil
        }
        try note(file, path, row)
        return file
    }

    private func note(_ file: OpenFile, _ path: String, _ row: SymbolRow) throws(FileFailure) {
        try Folders.make(notes)
        try SymbolCopy(sha256: Hex.text(row.sha256), file).write(to: notePath(path))
    }

    private func notePath(_ path: String) -> String { notes + "/" + Self.digest(of: path) }

    private static func digest(of path: String) -> String { String(Hex.text(SHA256.digest(path.utf8)).prefix(32)) }

    /// Whether an open file still has its name: another process may have removed or replaced it.
    private static func isStill(_ file: OpenFile, at path: String) throws(FileFailure) -> Bool {
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            let failure = FileFailure.last("inspect the symbols", path)
            if failure.isAbsence { return false }
            throw failure
        }
        return UInt64(facts.st_ino) == (try FileIdentity(of: file.descriptor).inode)
    }

    // MARK: Downloads

    private func download(_ name: SymbolName, _ path: String, _ row: SymbolRow) throws {
        try Folders.make(incoming)
        let temporary = incoming + "/" + Self.digest(of: path)
        let file = try Self.lockedFile(temporary)
        // Before the copy is opened, which waits for this lock.
        defer { FileLock.release(file.descriptor) }
        do {
            // Another process made it meanwhile, or the twin has the same bytes.
            if access(path, F_OK) != 0, try !linkTwin(of: name, at: path, row) {
                try fetch(row, into: file)
                try file.sync()
                try note(file, path, row)
                try Folders.make(Folders.split(path).folder)
                guard rename(temporary, path) == 0 else { throw FileFailure.last("rename", path) }
                return
            }
        } catch {
            unlink(temporary)
            throw error
        }
        unlink(temporary)
    }

    /// Opens the file of a download, empty and locked. Waits for another process that is downloading the same.
    private static func lockedFile(_ path: String) throws -> OpenFile {
        while true {
            let file = try OpenFile(path, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY)
            try file.lock(.exclusive)
            guard try isStill(file, at: path) else { continue }
            // What an interrupted download left.
            try file.truncate(to: 0)
            return file
        }
    }

    /// Gives a file the twin's copy if both are the same bytes, as those of a program with debug information are.
    private func linkTwin(of name: SymbolName, at path: String, _ row: SymbolRow) throws -> Bool {
        guard let twin = name.twin?.path(in: store), let known = SymbolCopy(at: notePath(twin)),
            known.sha256 == Hex.text(row.sha256), let file = try? OpenFile(twin, O_RDONLY | O_NONBLOCK),
            try known.describes(file), link(twin, path) == 0
        else { return false }
        try note(file, path, row)
        return true
    }

    private func fetch(_ row: SymbolRow, into file: OpenFile) throws {
        try makeRoom(for: row.bytes)
        // Asked first, so that an object of another size is not received at all.
        guard let object = try bucket.head(row.key) else {
            throw SymbolFault("the bucket no longer has it; salvage symbols add stores it again")
        }
        guard object.size == row.bytes else {
            throw SymbolFault("the bucket has \(object.size) bytes of it, and \(row.bytes) were stored")
        }
        _ = try bucket.download(row.key, to: file.descriptor)
        let content = try FileCopy.sha256(of: file)
        guard content.size == row.bytes, content.sha256 == row.sha256 else {
            throw SymbolFault("what arrived from the bucket is not what was stored")
        }
    }

    // MARK: Room

    /// Removes copies, those that were not used for the longest time first, until a file of `bytes` fits.
    private func makeRoom(for bytes: UInt64) throws {
        guard bytes <= limit else {
            throw SymbolFault("its \(bytes) bytes exceed the \(limit) bytes that copies of symbols may have")
        }
        removeInterrupted()
        var copies = try list()
        var total = copies.reduce(UInt64(0)) { $0 &+ $1.size }
        guard total > limit - bytes else { return }
        copies.sort { $0.used < $1.used }
        for copy in copies where total > limit - bytes {
            if try remove(copy) { total -= min(total, copy.size) }
        }
        guard total <= limit - bytes else {
            throw SymbolFault("the symbols in use leave no room in the \(limit) bytes for copies")
        }
    }

    private struct Listed {
        let path: String
        let note: String
        let size: UInt64
        let used: Int64
    }

    /// All copies. One without a note, which a process was killed before or after writing, seems to be the oldest.
    private func list() throws(FileFailure) -> [Listed] {
        var used: [String: Int64] = [:]
        for entry in try OpenFolder(ifPresent: notes)?.entries() ?? [] { used[entry.name] = entry.modified }
        return store.survey().entries.map { entry in
            let name = Self.digest(of: entry.path)
            return Listed(path: entry.path, note: notes + "/" + name, size: entry.size, used: used[name] ?? 0)
        }
    }

    /// Removes a copy that nobody uses; false if somebody does.
    private func remove(_ copy: Listed) throws(FileFailure) -> Bool {
        do throws(FileFailure) {
            let file = try OpenFile(copy.path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard try file.tryLock(.exclusive), try Self.isStill(file, at: copy.path) else { return false }
            unlink(copy.path)
            unlink(copy.note)
            return true
        } catch {
            guard error.isAbsence else { throw error }
            unlink(copy.note)
            return true
        }
    }

    /// Removes what interrupted downloads left.
    private func removeInterrupted() {
        // What cannot be listed or opened now is left to the next call.
        guard let names = try? OpenFolder(ifPresent: incoming)?.names() else { return }
        for name in names {
            guard let text = name.text, let file = try? OpenFile(incoming + "/" + text, O_RDWR | O_NONBLOCK),
                (try? file.tryLock(.exclusive)) == true, (try? Self.isStill(file, at: file.path)) == true
            else { continue }
            unlink(file.path)
        }
    }
}
