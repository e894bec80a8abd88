import Glibc
import Text

/// What lies in an image's folder, of which each session gets a copy.
struct ImageContents {
    let folder: String

    /// More than any image of a game holds; looking through them all must stay quick.
    private static let mostEntries = 500_000

    /// - Throws: `BrokenImage` that names what cannot be copied: a pipe, a socket or a device, which would hold up or
    ///   fail the copying, and what must not be read.
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
                    throw BrokenImage(file: folder, reason: "holds more than \(Self.mostEntries) files and folders")
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
            default: "neither a file nor a folder nor a link"
            }
        return "is \(name), of which a session can get no copy; remove it or use \"copy\": false"
    }

    /// - Throws: `BrokenImage` when a session's process could not start in that folder of a copy.
    func check(workdir: String) throws(BrokenImage) {
        try checkLinks(to: workdir)
        var path = folder
        for part in workdir.utf8.split(separator: UInt8(ascii: "/")) {
            path += "/" + String(Substring(part))
            var status = stat()
            guard fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                guard errno == ENOENT else { throw ImageFolder.unreadable(path, errno) }
                // The rest is made in the copy, unless a link has led elsewhere.
                guard isInside(String(Substring(path.utf8.dropLast(part.count + 1)))) != false else {
                    throw BrokenImage(file: path, reason: "workdir is not there, and its link leads out of the folder")
                }
                return
            }
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw BrokenImage(file: path, reason: "workdir is not a folder")
            }
            guard access(path, X_OK) == 0 else { throw ImageFolder.unreadable(path, errno) }
        }
    }

    /// - Throws: `BrokenImage` when a link on the way means something else in a copy.
    func checkLinks(to path: String) throws(BrokenImage) {
        var place = folder
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            place += "/" + String(Substring(part))
            guard let target = target(of: place) else { continue }
            // What an absolute link leads to is the same from everywhere.
            if target.utf8.first == UInt8(ascii: "/") { return }
            // One that leads nowhere is for whoever needs what lies there.
            if isInside(place) == false {
                throw BrokenImage(
                    file: place,
                    reason: "the link to \(target) leads out of the folder that each session gets a copy of; "
                        + "use an absolute link or \"copy\": false")
            }
        }
    }

    /// What a link says; nil for no link.
    private func target(of file: String) -> String? {
        var room = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink(file, &room, room.count))
        return count == 0 ? nil : String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Nil when nothing is there.
    private func isInside(_ path: String) -> Bool? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        let place = String(cString: real)
        return place.hasSameBytes(as: folder) || place.hasBytePrefix(folder + "/")
    }
}
