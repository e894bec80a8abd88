import Files
import Glibc
import Pack
import Synchronization

/// Keeps two processes from writing a new generation of the same session's pack at once, or from removing the pack that
/// another one is replacing.
///
/// The lock is flock(2) on the session's folder in the spool, so it ends with the process; no stale lock can remain.
public final class SessionLock: Sendable {
    private let folder: String
    private let descriptor: Int32
    private let isReleased = Mutex(false)

    private init(folder: String, descriptor: Int32) {
        self.folder = folder
        self.descriptor = descriptor
    }

    /// Waits for the lock of a session; creates the session's spool folder if there is none.
    static func wait(_ session: String, store: String) throws -> SessionLock {
        while true {
            if let lock = try take(session, store: store, waits: true) { return lock }
        }
    }

    /// Takes the lock of a session; returns nil if it is taken.
    ///
    /// - Throws: ``IngestError`` when the session's spool folder cannot be created or opened.
    public static func ifFree(_ session: String, store: String) throws -> SessionLock? {
        try take(session, store: store, waits: false)
    }

    /// Tries once. Returns nil if the lock is taken and the call does not wait, or if the previous holder removed
    /// the folder meanwhile, so that this lock would guard nothing.
    private static func take(_ session: String, store: String, waits: Bool) throws -> SessionLock? {
        let folder = store + "/spool/" + PackPath.escaped(session)
        try StoreIngest.makeFolders(of: folder + "/x", below: store)
        let opened = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if opened < 0, errno == ENOENT { return nil }
        guard opened >= 0 else {
            throw IngestError(.packFailed, "cannot open the session's spool: \(reason())", path: folder)
        }
        let isStillThere: Bool
        do throws(FileFailure) {
            if waits {
                try FileLock.take(.exclusive, of: opened)
            } else if try !FileLock.tryTake(.exclusive, of: opened) {
                close(opened)
                return nil
            }
            isStillThere = try Self.isStillThere(opened, folder)
        } catch {
            close(opened)
            throw IngestError(.packFailed, "cannot lock the session's spool: \(error.reason)", path: folder)
        }
        guard isStillThere else {
            close(opened)
            return nil
        }
        return SessionLock(folder: folder, descriptor: opened)
    }

    deinit { release() }

    /// Releases the lock and removes the folder if it is empty. Also called when the object is freed.
    public func release() {
        let isFirst = isReleased.withLock { isReleased in
            defer { isReleased = true }
            return !isReleased
        }
        guard isFirst else { return }
        rmdir(folder)
        close(descriptor)
    }

    /// Returns whether the lock of a session is taken. Changes nothing; returns true if that is unknown.
    public static func isTaken(_ session: String, store: String) -> Bool {
        let opened = open(
            store + "/spool/" + PackPath.escaped(session), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { return errno != ENOENT && errno != ENOTDIR }
        defer { close(opened) }
        return (try? FileLock.tryTake(.shared, of: opened)) != true
    }

    private static func isStillThere(_ descriptor: Int32, _ path: String) throws(FileFailure) -> Bool {
        var mine = stat()
        var present = stat()
        guard fstat(descriptor, &mine) == 0 else { throw .last("inspect the folder", path) }
        guard lstat(path, &present) == 0 else {
            let failure = FileFailure.last("inspect the folder", path)
            guard failure.isAbsence else { throw failure }
            return false
        }
        return mine.st_ino == present.st_ino && mine.st_dev == present.st_dev
    }
}
