import Glibc
import Pack

/// Keeps two processes from writing a new generation of the same session's pack at once.
///
/// The lock is the kernel's (flock(2)) on the session's folder in the spool, so it ends with the process however that
/// ends; nothing can be left behind locked.
final class SessionLock {
    private let descriptor: Int32

    /// Waits for the lock of a session; makes the session's spool folder where there is none.
    init(_ session: String, store: String) throws {
        let folder = store + "/spool/" + PackPath.escaped(session)
        try StoreIngest.makeFolders(of: folder + "/x", below: store)
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw IngestError(.packFailed, "cannot open the session's spool: \(reason())", path: folder)
        }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                close(descriptor)
                throw IngestError(.packFailed, "cannot lock the session's spool: \(reason())", path: folder)
            }
        }
    }

    /// Gives the lock back.
    func release() { close(descriptor) }
}
