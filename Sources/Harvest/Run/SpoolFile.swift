import Glibc
import SalvageConfiguration

/// A download in progress. Used by one task at a time; its calls block on the disk.
final class SpoolFile: @unchecked Sendable {
    let path: String
    private(set) var bytes: UInt64 = 0
    private let limit: UInt64
    private var descriptor: Int32

    /// Creates the file, or truncates one left under the same name. At most `limit` bytes are stored.
    init(path: String, limit: UInt64) throws(SystemFailure) {
        self.path = path
        self.limit = limit
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemFailure.last("open", path) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends bytes up to the limit; returns whether all of them fit.
    func append(_ piece: UnsafeRawBufferPointer) throws(SystemFailure) -> Bool {
        let room = limit > bytes ? limit - bytes : 0
        let fits = UInt64(piece.count) <= room
        let part = fits ? piece : UnsafeRawBufferPointer(rebasing: piece.prefix(Int(clamping: room)))
        if let failure = Spool.write(part, to: descriptor, path) { throw failure }
        bytes += UInt64(part.count)
        return fits
    }

    /// Syncs and closes the file.
    func finish() throws(SystemFailure) {
        guard descriptor >= 0 else { return }
        let synced = fdatasync(descriptor) == 0
        let failure = SystemFailure.last("fdatasync", path)
        close(descriptor)
        descriptor = -1
        if !synced { throw failure }
    }

    /// Removes the file.
    func discard() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        unlink(path)
    }
}
