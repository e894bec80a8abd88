import Bytes
import Digest
import Files
import Glibc
import Model
import Pack

/// Copies and compares files of a store and of its backup.
enum FileCopy {
    /// The size and SHA-256 of what was read from a file.
    struct Content: Equatable {
        var size: UInt64
        /// In lower-case hex.
        var sha256: String
    }

    /// A failed system call, and whether it read the source or wrote the target.
    struct Trouble: Error {
        enum Side { case source, target }
        let side: Side
        let path: String
        let code: Int32

        init(_ side: Side, _ path: String) {
            self.side = side
            self.path = path
            code = errno
        }

        init(_ side: Side, _ failure: FileFailure) {
            self.side = side
            path = failure.path
            code = failure.errno
        }

        var isAbsent: Bool { side == .source && (code == ENOENT || code == ENOTDIR) }

        var words: String {
            "\(path) cannot be \(side == .source ? "read" : "written"): \(String(cString: strerror(code)))"
        }

        /// The error that ends the operation.
        var failure: StoreError {
            StoreError(
                code == ENOSPC || code == EDQUOT ? .noSpace : .copyFailed,
                "a file cannot be \(side == .source ? "read" : "written"): \(String(cString: strerror(code)))",
                path: path, hint: "fix that and run it again: finished copies are kept",
                kind: code == ENOSPC || code == EDQUOT ? .tryAgain : .failed)
        }
    }

    private static let piece = 1 << 20

    /// Reads a file to its end; `uncached` drops it from the page cache first.
    static func digest(_ path: String, uncached: Bool = false) throws -> Content {
        let source = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw Trouble(.source, path) }
        defer { close(source) }
        if uncached { posix_fadvise(source, 0, 0, POSIX_FADV_DONTNEED) }
        return try pump(source, path) { _ in }
    }

    /// Copies a file to a new name, atomically, with mode 0600. `modified` is in nanoseconds since 1970 UTC.
    static func copy(_ path: String, to target: String, modified: Int64, owner: uid_t? = nil) throws -> Content {
        let source = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard source >= 0 else { throw Trouble(.source, path) }
        defer { close(source) }
        let temporary = target + ".part~"
        unlink(temporary)
        let copy = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard copy >= 0 else { throw Trouble(.target, target) }
        defer { close(copy) }
        do {
            let content = try pump(source, path) { bytes in
                do throws(FileFailure) { try Descriptor.write(copy, bytes, path: target) } catch {
                    throw Trouble(.target, error)
                }
            }
            if let owner, fchown(copy, owner, gid_t.max) != 0 { throw Trouble(.target, target) }
            let time = timespec(
                tv_sec: Int(modified / 1_000_000_000), tv_nsec: Int(max(0, modified % 1_000_000_000)))
            guard futimens(copy, [time, time]) == 0, rename(temporary, target) == 0 else {
                throw Trouble(.target, target)
            }
            return content
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func pump(
        _ source: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Content {
        var digest = SHA256Hasher()
        var size: UInt64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do throws(FileFailure) { count = try Descriptor.next(source, into: buffer, path: path) } catch {
                throw Trouble(.source, error)
            }
            if count == 0 { break }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            digest.update(bytes)
            try body(bytes)
            size += UInt64(count)
        }
        return Content(size: size, sha256: Hex.text(digest.finish()))
    }

    /// Whether two folders are on the same file system.
    static func liesOnOneDisk(_ left: String, _ right: String) throws -> Bool {
        var (one, other) = (stat(), stat())
        guard stat(left, &one) == 0 else { throw Trouble(.source, left).failure }
        guard stat(right, &other) == 0 else { throw Trouble(.target, right).failure }
        return one.st_dev == other.st_dev
    }

    /// Creates the folders that lead to a file below a root, with mode 0700.
    static func makeFolders(of path: String, below root: String, owner: uid_t? = nil) throws {
        do throws(FileFailure) {
            try Folders.make(Folders.split(root + "/" + path).folder, below: root) { (made) throws(FileFailure) in
                guard let owner, lchown(made, owner, gid_t.max) != 0 else { return }
                throw .last("chown", made)
            }
        } catch {
            throw Trouble(.target, error)
        }
    }

    /// Syncs the file system that holds a folder.
    static func sync(_ folder: String) throws {
        do throws(FileFailure) { try Folders.syncFileSystem(folder) } catch { throw Trouble(.target, error) }
    }
}
