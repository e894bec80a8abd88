import Files
import Glibc
import SalvageConfiguration

/// The exclusive right to change a store: an `flock` on `<store>/lock`, held until this object is freed or the process
/// ends.
public final class StoreLock: Sendable {
    private let file: OpenFile

    /// Takes the lock. Creates the store's folder (mode 0700) if it is missing.
    ///
    /// - Throws: ``HarvestError`` with `storeLocked` at once when another process holds it, or `storeUnusable`.
    public init(store: String) throws(HarvestError) {
        do {
            try Folders.make(store)
        } catch {
            throw HarvestError(unusableStore: error)
        }
        let path = store + "/lock"
        let isFree: Bool
        do throws(FileFailure) {
            file = try OpenFile(path, O_RDWR | O_CREAT)
            isFree = try file.tryLock(.exclusive)
        } catch {
            throw HarvestError(unusableStore: error)
        }
        guard isFree else {
            let who = StoreLock.holder(file).map { " (process \($0))" } ?? ""
            throw HarvestError(
                .storeLocked, "another salvage process is using this store\(who)", path: store,
                hint: "let it finish, or choose another store with --store")
        }
        // The process id is only for the message above; the lock itself is authoritative.
        try? file.truncate(to: 0)
        try? file.append(Array("\(getpid())\n".utf8), at: 0)
    }

    deinit {
        // Unlock explicitly: a child that is just being spawned has a copy of the descriptor until it execs.
        FileLock.release(file.descriptor)
    }

    /// Returns when the current holder took a store's lock, in nanoseconds since 1970; nil when no process holds it. A
    /// pack published since then that is not in the catalog yet belongs to that process.
    public static func heldSince(_ store: String) -> Int64? {
        do throws(FileFailure) {
            let file = try OpenFile(store + "/lock", O_RDONLY)
            return try file.tryLock(.shared) ? nil : try file.modified
        } catch {
            // A lock file that cannot be opened may be held, since any time.
            return error.isAbsence ? nil : .min
        }
    }

    /// Returns the id of the process that holds a store's lock; nil when none does or it is unknown.
    public static func holder(of store: String) -> Int? {
        guard let file = try? OpenFile(store + "/lock", O_RDONLY),
            (try? file.tryLock(.shared)) == false
        else { return nil }
        return holder(file)
    }

    private static func holder(_ file: OpenFile) -> Int? {
        guard let bytes = try? file.read(at: 0, count: 32) else { return nil }
        return Int(String(decoding: bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }
}

extension HarvestError {
    /// The error for a store whose folder or lock cannot be made, opened or taken.
    fileprivate init(unusableStore failure: FileFailure) {
        self.init(
            .storeUnusable, "the store cannot be used: \(failure)", path: failure.path,
            hint: failure.isFull ? "free some disk space" : "check the folder and its owner")
    }
}
