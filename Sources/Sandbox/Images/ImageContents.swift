import Glibc
import Text

/// The contents of an image's folder, which each session gets a copy of.
struct ImageContents {
    let folder: String

    /// Most entries that are checked, so that the check stays fast. Images of games have fewer.
    private static let mostEntries = 500_000

    /// Checks that the folder can be copied.
    /// - Throws: `BrokenImage` that names what cannot be copied: a pipe, socket or device, which would block or fail
    ///   the copy, or an unreadable file.
    func check() throws(BrokenImage) {
        var pending = [folder]
        var count = 0
        while let place = pending.popLast() {
            guard let stream = opendir(place) else { throw ImageFolder.unreadable(place, errno) }
            defer { closedir(stream) }
            let descriptor = dirfd(stream)
            while let entry = readdir(stream) {
                let bytes = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                        Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                    }
                }
                if bytes == [46, 0] || bytes == [46, 46, 0] { continue }
                count += 1
                guard count <= Self.mostEntries else {
                    throw BrokenImage(file: folder, reason: "contains more than \(Self.mostEntries) files and folders")
                }
                let name = String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
                let path = place + "/" + name
                var status = stat()
                guard fstatat(descriptor, bytes, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                    throw ImageFolder.unreadable(path, errno)
                }
                switch status.st_mode & S_IFMT {
                case S_IFLNK: break
                case S_IFDIR: pending.append(path)
                case S_IFREG:
                    guard faccessat(descriptor, bytes, R_OK, 0) == 0 else { throw ImageFolder.unreadable(path, errno) }
                case let kind: throw BrokenImage(file: path, reason: Self.fault(of: kind))
                }
            }
        }
    }

    private static func fault(of kind: mode_t) -> String {
        let name =
            switch kind {
            case S_IFIFO: "a named pipe"
            case S_IFSOCK: "a socket"
            case S_IFBLK, S_IFCHR: "a device"
            default: "not a file, folder or link"
            }
        return "is \(name), which cannot be copied; remove it or use \"copy\": false"
    }

    /// Checks that a process can start in `workdir` of a copy.
    /// - Throws: `BrokenImage` when it cannot.
    func check(workdir: String) throws(BrokenImage) {
        try checkLinks(to: workdir)
        var path = folder
        for part in workdir.utf8.split(separator: UInt8(ascii: "/")) {
            path += "/" + String(Substring(part))
            var status = stat()
            guard fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                guard errno == ENOENT else { throw ImageFolder.unreadable(path, errno) }
                // The rest is created in the copy, unless a link leads elsewhere.
                guard isInside(String(Substring(path.utf8.dropLast(part.count + 1)))) != false else {
                    throw BrokenImage(file: path, reason: "workdir is missing, and its link leads out of the folder")
                }
                return
            }
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw BrokenImage(file: path, reason: "workdir is not a folder")
            }
            guard access(path, X_OK) == 0 else { throw ImageFolder.unreadable(path, errno) }
        }
    }

    /// Checks that links in `path` have the same meaning in a copy.
    /// - Throws: `BrokenImage` when one does not.
    func checkLinks(to path: String) throws(BrokenImage) {
        var place = folder
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            place += "/" + String(Substring(part))
            guard let target = target(of: place) else { continue }
            // An absolute link has the same target everywhere.
            if target.utf8.first == UInt8(ascii: "/") { return }
            // A dangling link is left to the checks of its target.
            if isInside(place) == false {
                throw BrokenImage(
                    file: place,
                    reason: "the link to \(target) leads out of the folder that is copied for each session; "
                        + "use an absolute link or \"copy\": false")
            }
        }
    }

    /// The target of a link; nil when it is not a link.
    private func target(of file: String) -> String? {
        var room = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink(file, &room, room.count))
        return count == 0 ? nil : String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether the path resolves to a place inside the folder; nil when it does not exist.
    private func isInside(_ path: String) -> Bool? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        let place = String(cString: real)
        return place.hasSameBytes(as: folder) || place.hasBytePrefix(folder + "/")
    }
}
