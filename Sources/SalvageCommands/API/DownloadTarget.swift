import Glibc

/// Where a download goes: a new file that appears under its name only when it is complete, or standard output.
final class DownloadTarget {
    private let path: String?
    private var descriptor = STDOUT_FILENO

    init(_ path: String?) throws {
        self.path = path
    }

    deinit {
        if path != nil, descriptor != STDOUT_FILENO { close(descriptor) }
    }

    private var partial: String? { path.map { $0 + ".part" } }

    /// Creates `FILE.part`; does nothing for standard output.
    func begin() throws {
        guard let partial else { return }
        let opened = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw failure("create") }
        descriptor = opened
    }

    /// Writes all of the bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
            if count < 0 {
                if errno == EINTR { continue }
                // The reader closed the pipe: it has seen enough.
                if errno == EPIPE, path == nil { throw EndedWith(status: .success) }
                throw failure("write")
            }
            sent += count
        }
    }

    /// Syncs the complete file and renames it to its own name.
    func finish() throws {
        guard let path, let partial else { return }
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw failure("write") }
    }

    private func failure(_ what: String) -> Failure {
        Failure("output_failed", "cannot \(what) the archive: \(String(cString: strerror(errno)))", path: partial)
    }
}
