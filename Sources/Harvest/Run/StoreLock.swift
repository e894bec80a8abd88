import Glibc
import SalvageConfiguration

/// The exclusive right to change a store: an `flock` on `<store>/lock`, held until this object is freed or the process
/// ends.
public final class StoreLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock. Creates the store's folder (mode 0700) if it is missing.
    ///
    /// - Throws: ``HarvestError`` with `storeLocked` at once when another process holds it, or `storeUnusable`.
    public init(store: String) throws(HarvestError) {
        do {
            try StoreFolder.make(store)
        } catch {
            throw StoreFolder.unusable(error)
        }
        let path = store + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreFolder.unusable(SystemFailure.last("open", path)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let failure = SystemFailure.last("flock", path)
            let holder = StoreLock.holder(descriptor)
            close(descriptor)
            guard failure.code == EWOULDBLOCK else { throw StoreFolder.unusable(failure) }
            let who = holder.map { " (process \($0))" } ?? ""
            throw HarvestError(
                .storeLocked, "another salvage process is using this store\(who)", path: store,
                hint: "let it finish, or choose another store with --store")
        }
        // The process id is only for the message above; the lock itself is authoritative.
        let text = "\(getpid())\n"
        if ftruncate(descriptor, 0) == 0 { _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) } }
        self.descriptor = descriptor
    }

    deinit {
        // Unlock explicitly: a child that is just being spawned has a copy of the descriptor until it execs.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Returns when the current holder took a store's lock, in nanoseconds since 1970; nil when no process holds it. A
    /// pack published since then that is not in the catalog yet belongs to that process.
    public static func heldSince(_ store: String) -> Int64? {
        let descriptor = open(store + "/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        // A lock file that cannot be opened may be held, since any time.
        guard descriptor >= 0 else { return errno == ENOENT || errno == ENOTDIR ? nil : .min }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else {
            flock(descriptor, LOCK_UN)
            return nil
        }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return .min }
        return Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
    }

    /// Returns the id of the process that holds a store's lock; nil when none does or it is unknown.
    public static func holder(of store: String) -> Int? {
        let descriptor = open(store + "/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else {
            flock(descriptor, LOCK_UN)
            return nil
        }
        return holder(descriptor)
    }

    private static func holder(_ descriptor: Int32) -> Int? {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: buffer.prefix(count).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }
}

/// Creates and syncs the folders of a store, and measures their free space.
enum StoreFolder {
    /// Creates a folder and its parents with mode 0700.
    static func make(_ path: String) throws(SystemFailure) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST {
            var facts = stat()
            guard stat(path, &facts) == 0 else { throw SystemFailure.last("stat", path) }
            guard facts.st_mode & S_IFMT == S_IFDIR else {
                throw SystemFailure(call: "mkdir", path: path, code: ENOTDIR)
            }
            return
        }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw SystemFailure.last("mkdir", path)
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemFailure.last("mkdir", path) }
    }

    /// Returns the bytes free for an unprivileged process; nil when unknown.
    static func free(_ path: String) -> UInt64? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        let (bytes, overflow) = UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize))
        return overflow ? UInt64.max : bytes
    }

    /// Syncs a folder, so that new names in it survive a crash.
    static func sync(_ path: String) throws(SystemFailure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure.last("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemFailure.last("fsync", path) }
    }

    static func unusable(_ failure: SystemFailure) -> HarvestError {
        HarvestError(
            .storeUnusable, "the store cannot be used: \(failure)", path: failure.path,
            hint: failure.isFull ? "free some disk space" : "check the folder and its owner")
    }
}
