import Files
import Glibc
import SalvageConfiguration

/// A download in progress. Used by one task at a time; its calls block on the disk.
final class SpoolFile: @unchecked Sendable {
    let path: String
    private(set) var bytes: UInt64 = 0
    private let limit: UInt64
    private var descriptor: Int32

    /// Creates the file, or truncates one left under the same name. At most `limit` bytes are stored.
    init(path: String, limit: UInt64) throws(FileFailure) {
        self.path = path
        self.limit = limit
        descriptor = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends bytes up to the limit; returns whether all of them fit.
    func append(_ piece: UnsafeRawBufferPointer) throws(FileFailure) -> Bool {
        let room = limit > bytes ? limit - bytes : 0
        let fits = UInt64(piece.count) <= room
        let part = fits ? piece : UnsafeRawBufferPointer(rebasing: piece.prefix(Int(clamping: room)))
        try Descriptor.write(descriptor, part, path: path)
        bytes += UInt64(part.count)
        return fits
    }

    /// Syncs and closes the file.
    func finish() throws(FileFailure) {
        guard descriptor >= 0 else { return }
        defer {
            close(descriptor)
            descriptor = -1
        }
        try Descriptor.syncContent(descriptor, path: path)
    }

    /// Removes the file.
    func discard() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        unlink(path)
    }
}
