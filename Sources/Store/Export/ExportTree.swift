import CFiles
import Files
import Glibc

/// A new folder for files from archives; no file can be created outside it.
///
/// Every open goes through `openat2` with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS relative to
/// the folder's own descriptor, and only ever creates: nothing that exists is opened for writing.
final class ExportTree {
    /// O_PATH of fcntl.h on every Linux architecture Swift runs on; the C library module does not export it.
    private static let pathOnly: Int32 = 0o10000000

    private let root: Int32
    private let path: String
    /// The folders and the files of our own, in the order in which they were created.
    private var made: [String] = []

    /// Creates the folder; an existing one must be empty.
    init(creating path: String) throws {
        self.path = path
        if mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw ExportTree.failure("cannot create the folder", path) }
            guard try ExportTree.isEmpty(path) else {
                throw StoreError(
                    .notEmpty, "the folder to export to is not empty", path: path,
                    hint: "name a folder that does not exist yet")
            }
        }
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard root >= 0 else { throw ExportTree.failure("cannot open the folder", path) }
    }

    deinit { close(root) }

    /// Creates a folder for a directory member, unless it exists already.
    func makeFolder(_ components: [String]) throws {
        var made = ""
        for component in components {
            made += made.isEmpty ? component : "/" + component
            if try openFolder(made) { continue }
            try makeOne(made)
        }
    }

    /// Creates an empty file of mode 0600 and returns its descriptor and path. A name that is taken gets the suffix
    /// `~2`, `~3` and so on; so does a parent that is a file.
    func createFile(_ components: [String]) throws -> (descriptor: Int32, path: String) {
        let parent = try makeParents(components.dropLast())
        let name = components.last ?? "%"
        for number in 1...10_000 {
            let candidate = (parent.isEmpty ? "" : parent + "/") + (number == 1 ? name : "\(name)~\(number)")
            let descriptor = salvage_open_beneath(
                root, candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return (descriptor, candidate) }
            guard errno == EEXIST else { throw ExportTree.failure("cannot create a file", path + "/" + candidate) }
        }
        throw StoreError(.nameTaken, "too many members have the same name", path: path + "/" + name)
    }

    /// Gives a file created here a second name, which gets a suffix as in ``createFile(_:)`` if it is taken, and returns
    /// its path; nil when the file system has no hard links or the file has too many.
    func link(_ existing: String, to components: [String]) throws -> String? {
        let from = try openParent(of: existing)
        defer { close(from.folder) }
        let parent = try makeParents(components.dropLast())
        let name = components.last ?? "%"
        for number in 1...10_000 {
            let candidate = (parent.isEmpty ? "" : parent + "/") + (number == 1 ? name : "\(name)~\(number)")
            let to = try openParent(of: candidate)
            defer { close(to.folder) }
            if linkat(from.folder, from.name, to.folder, to.name, 0) == 0 { return candidate }
            guard errno == EEXIST else { return nil }
        }
        throw StoreError(.nameTaken, "too many members have the same name", path: path + "/" + name)
    }

    private func openParent(of relative: String) throws -> (folder: Int32, name: String) {
        var parent = "."
        var name = relative
        if let slash = relative.lastIndex(of: "/") {
            parent = String(relative[..<slash])
            name = String(relative[relative.index(after: slash)...])
        }
        let folder = salvage_open_beneath(root, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard folder >= 0 else { throw ExportTree.failure("cannot open a folder", path + "/" + parent) }
        return (folder, name)
    }

    private func makeParents(_ components: ArraySlice<String>) throws -> String {
        var made = ""
        for component in components {
            var isThere = false
            for number in 1...10_000 where !isThere {
                let name = number == 1 ? component : "\(component)~\(number)"
                let candidate = made.isEmpty ? name : made + "/" + name
                isThere = try openFolder(candidate)
                if !isThere, !exists(candidate) {
                    try makeOne(candidate)
                    isThere = true
                }
                if isThere { made = candidate }
            }
            guard isThere else { throw StoreError(.nameTaken, "too many members have the same name", path: component) }
        }
        return made
    }

    private func makeOne(_ relative: String) throws {
        let (folder, name) = try openParent(of: relative)
        defer { close(folder) }
        if mkdirat(folder, name, 0o700) == 0 {
            made.append(relative)
        } else if errno != EEXIST {
            throw ExportTree.failure("cannot create a folder", path + "/" + relative)
        }
    }

    /// Notes a file that is not from an archive, so that ``settle(at:)`` gives it its time.
    func note(_ relative: String) { made.append(relative) }

    /// Gives the folders and the files of our own one time, in milliseconds since 1970, so that the same content makes
    /// the same archive. Nothing can be created afterwards without changing the time of its folder.
    func settle(at milliseconds: Int64) throws {
        let seconds = milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
        let time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
        for relative in made.reversed() {
            let (folder, name) = try openParent(of: relative)
            defer { close(folder) }
            guard utimensat(folder, name, [time, time], AT_SYMLINK_NOFOLLOW) == 0 else {
                throw ExportTree.failure("cannot set a time", path + "/" + relative)
            }
        }
        guard futimens(root, [time, time]) == 0 else { throw ExportTree.failure("cannot set a time", path) }
    }

    /// Whether a path is a folder, not a file, a link or nothing.
    private func openFolder(_ relative: String) throws -> Bool {
        let descriptor = salvage_open_beneath(root, relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            if [ENOENT, ENOTDIR, ELOOP, EXDEV].contains(errno) { return false }
            throw ExportTree.failure("cannot open a folder", path + "/" + relative)
        }
        close(descriptor)
        return true
    }

    private func exists(_ relative: String) -> Bool {
        let descriptor = salvage_open_beneath(root, relative, ExportTree.pathOnly | O_CLOEXEC | O_NOFOLLOW, 0)
        guard descriptor >= 0 else { return errno != ENOENT }
        close(descriptor)
        return true
    }

    private static func isEmpty(_ path: String) throws -> Bool {
        do throws(FileFailure) { return try OpenFolder(path: path).names().isEmpty } catch {
            throw StoreError(.exportFailed, "cannot read the folder: \(error.reason)", path: path)
        }
    }

    private static func failure(_ what: String, _ path: String) -> StoreError {
        StoreError(.exportFailed, "\(what): \(String(cString: strerror(errno)))", path: path)
    }
}
