import CFiles
import FoundationEssentials
import Glibc

/// A session's folder on disk: its root `fs`, and `output.log` with its standard output and error.
struct SessionFolder: Sendable {
    let path: String

    var root: String { path + "/fs" }
    var log: String { path + "/output.log" }

    /// Names the folder. The number makes it unique; the id may hold any bytes, so only a readable form of it is used.
    init(base: String, number: Int, id: String) {
        let readable = id.utf8.prefix(48).map { byte -> Character in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                Character(UnicodeScalar(byte))
            default: "_"
            }
        }
        path = "\(base)/s\(number)-\(String(readable))"
    }

    /// Creates the folder and fills the root with the image.
    /// - Returns: the executable's path on this machine.
    func prepare(image: Image) throws(StartFailure) -> String {
        let description = image.description
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            if !description.copy {
                try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            }
        } catch {
            throw FileTrouble(error).isShortage
                ? .capacity("\(path): no space for the session: \(FileTrouble(error).text)")
                : .server("\(path): cannot create the folder of the session: \(FileTrouble(error).text)")
        }
        do {
            if description.copy { try FileManager.default.copyItem(atPath: image.folder, toPath: root) }
            if !description.workdir.isEmpty {
                try FileManager.default.createDirectory(
                    atPath: root + "/" + description.workdir, withIntermediateDirectories: true)
            }
        } catch {
            // The copy is removed at once. The operator can only fix the image, so name its path.
            let reason = FileTrouble(error).text.replacing(root, with: image.folder)
            throw FileTrouble(error).isShortage
                ? .capacity("\(path): no space for the session: \(FileTrouble(error).text)")
                : .image(BrokenImage(file: image.folder, reason: "cannot copy it to a session's root: \(reason)"))
        }
        return (description.copy ? root : image.folder) + "/" + image.executable
    }

    /// Removes the folder.
    /// - Throws: the reason why it cannot be removed. A missing folder is not an error.
    func remove() throws {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch let error as CocoaError where error.code == .fileNoSuchFile {}
    }

    /// Opens a path inside the root, whatever links it contains. If its last component is a link, the link itself is
    /// opened, as Docker does, unless the path ends in a slash.
    func open(_ path: String) throws(FolderError) -> OpenedPath {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0), path.utf8.count < 4096 else {
            throw FolderError.absent
        }
        let base = Glibc.open(root, SALVAGE_O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard base >= 0 else { throw errno == ENOENT ? FolderError.gone : .unreadable(errno) }
        defer { close(base) }
        let followed = path.utf8.last == UInt8(ascii: "/") ? 0 : O_NOFOLLOW
        let descriptor = salvage_open_in_root(base, path, SALVAGE_O_PATH | followed)
        guard descriptor >= 0 else {
            let failure = errno
            let shortages = [EMFILE, ENFILE, ENOMEM, EIO, EAGAIN]
            throw shortages.contains(failure) ? FolderError.unreadable(failure) : .absent
        }
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? ""
        return OpenedPath(descriptor: descriptor, name: name == ".." || name == "." ? "" : name)
    }
}

enum FolderError: Error {
    /// There is no root: the container is gone.
    case gone
    /// The path does not exist in it.
    case absent
    /// The path cannot be checked, for the reason in errno.
    case unreadable(Int32)
}

/// A path inside a session's root, held open.
final class OpenedPath: Sendable {
    /// Opened with SALVAGE_O_PATH.
    let descriptor: Int32
    /// The last component; empty for the root itself.
    let name: String

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    deinit { close(descriptor) }
}
