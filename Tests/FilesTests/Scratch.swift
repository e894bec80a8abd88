import Glibc
import Testing

@testable import Files

/// A temporary folder, removed when the object is freed.
final class Scratch {
    let path: String

    init() throws { path = try Folders.makeTemporary("files-tests", in: "/tmp") }

    deinit { _ = try? Folders.removeTree(path) }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try OpenFile(file(name), O_WRONLY | O_CREAT | O_TRUNC).write(bytes)
    }

    func read(_ name: String) throws -> [UInt8] {
        try OpenFile(file(name), O_RDONLY).rest(limit: 1 << 20)
    }

    func exists(_ name: String) -> Bool {
        var facts = stat()
        return lstat(file(name), &facts) == 0
    }
}

/// A file system in memory of 1 MiB; nil where this process may not mount one.
final class SmallDisk {
    let path: String

    init?() throws {
        path = try Folders.makeTemporary("files-tests-disk", in: "/tmp")
        guard mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0 else {
            rmdir(path)
            return nil
        }
    }

    deinit {
        umount(path)
        rmdir(path)
    }
}
