internal import Glibc

/// A lock on an open file or folder (flock(2)). It belongs to the open file, not to the process: it is held until every
/// copy of the descriptor is closed, also those of children that have not called exec yet.
public enum FileLock {
    /// Whom a lock excludes.
    public enum Kind: Sendable {
        /// Every other lock.
        case exclusive
        /// Only exclusive locks.
        case shared

        var operation: Int32 { self == .exclusive ? LOCK_EX : LOCK_SH }
    }

    /// Takes a lock, or changes the kind of the lock that is held; waits until it is free.
    public static func take(_ kind: Kind, of descriptor: Int32, path: String = "") throws(FileFailure) {
        while flock(descriptor, kind.operation) != 0 {
            if errno != EINTR { throw .last("flock", path) }
        }
    }

    /// Takes a lock at once; false when another open file holds it.
    public static func tryTake(_ kind: Kind, of descriptor: Int32, path: String = "") throws(FileFailure) -> Bool {
        while flock(descriptor, kind.operation | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return false }
            throw .last("flock", path)
        }
        return true
    }

    /// Releases a lock, also for copies of the descriptor: a child that is just being spawned has one until it calls exec.
    public static func release(_ descriptor: Int32) { flock(descriptor, LOCK_UN) }
}
