import Glibc
import Pack

/// Keeps two processes from writing a new generation of the same session's pack at once.
///
/// The lock is the kernel's (flock(2)) on the session's folder in the spool, so it ends with the process however that
/// ends; nothing can be left behind locked.
final class SessionLock {
    private let folder: String
    private let descriptor: Int32

    /// Waits for the lock of a session; makes the session's spool folder where there is none.
    init(_ session: String, store: String) throws {
        folder = store + "/spool/" + PackPath.escaped(session)
        while true {
            try StoreIngest.makeFolders(of: folder + "/x", below: store)
            let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if opened < 0, errno == ENOENT { continue }
            guard opened >= 0 else {
                throw IngestError(.packFailed, "cannot open the session's spool: \(reason())", path: folder)
            }
            while flock(opened, LOCK_EX) != 0 {
                guard errno == EINTR else {
                    close(opened)
                    throw IngestError(.packFailed, "cannot lock the session's spool: \(reason())", path: folder)
                }
            }
            // Whoever had the lock before may have removed the folder meanwhile: then this lock guards nothing.
            if Self.isStillThere(opened, folder) {
                descriptor = opened
                return
            }
            close(opened)
        }
    }

    /// Gives the lock back and removes the folder if nothing is left in it.
    func release() {
        rmdir(folder)
        close(descriptor)
    }

    private static func isStillThere(_ descriptor: Int32, _ path: String) -> Bool {
        var mine = stat()
        var present = stat()
        return fstat(descriptor, &mine) == 0 && stat(path, &present) == 0 && mine.st_ino == present.st_ino
            && mine.st_dev == present.st_dev
    }
}
