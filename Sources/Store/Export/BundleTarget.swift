import CFiles
import Files
import Glibc
import Tar

/// The place of a bundle. It is made in a folder beside that place and appears under its name when it is complete.
final class BundleTarget {
    /// The path of the archive or folder.
    let path: String
    /// The name of the top folder in the archive.
    let name: String
    /// The folder that the content is written to.
    let tree: ExportTree
    private let isFolder: Bool
    private let parent: String
    private let scratch: String
    private static let suffixes = [".tar.gz", ".tgz"]

    /// Prepares a place.
    ///
    /// - Parameters:
    ///   - target: the path; an archive's gets `.tar.gz` unless it ends in that or in `.tgz`.
    ///   - isFolder: whether the bundle becomes a folder.
    /// - Throws: ``StoreError`` if the place is taken or cannot be written.
    init(_ target: String, isFolder: Bool) throws {
        var base = target[...]
        while base.utf8.count > 1, base.utf8.last == UInt8(ascii: "/") { base = base.dropLast() }
        let (parent, last) = Folders.split(String(base))
        let suffix = isFolder ? nil : Self.suffixes.first { last.hasSuffix($0) && last.utf8.count > $0.utf8.count }
        name = String(last.dropLast(suffix?.count ?? 0))
        guard !name.isEmpty, name != ".", name != "..", name != "/" else {
            throw StoreError(
                .bundleFailed, "a bundle needs a file or folder with a name of its own", path: target,
                hint: "name a file such as ticket-17.tar.gz")
        }
        self.isFolder = isFolder
        self.parent = parent
        path = String(base) + (isFolder || suffix != nil ? "" : ".tar.gz")
        var facts = stat()
        guard lstat(path, &facts) != 0 else { throw Self.taken(path) }
        do throws(FileFailure) { scratch = try Folders.makeTemporary(".salvage-bundle", in: parent) } catch {
            throw StoreError(
                .bundleFailed, "cannot write the bundle: cannot \(error.description)", path: path,
                hint: "name a file in a folder that exists and that you can write")
        }
        do { tree = try ExportTree(creating: scratch + "/tree") } catch {
            _ = try? Folders.removeTree(scratch)
            throw error
        }
    }

    /// What is left of an unfinished bundle is removed; what cannot be removed has a name that begins with a dot.
    deinit { _ = try? Folders.removeTree(scratch) }

    /// Gives the complete bundle its name.
    func publish() throws(StoreError) {
        do throws(FileFailure) {
            let made = isFolder ? scratch + "/tree" : try archive()
            if salvage_rename_new(AT_FDCWD, made, AT_FDCWD, path) != 0 {
                let failure = FileFailure.last("rename", path)
                guard [EINVAL, ENOSYS].contains(failure.errno) else { throw failure }
                // Some network file systems cannot refuse to replace.
                var facts = stat()
                guard lstat(path, &facts) != 0 else { throw FileFailure("rename", path, errno: EEXIST) }
                guard rename(made, path) == 0 else { throw FileFailure.last("rename", path) }
            }
            try Folders.sync(parent)
        } catch {
            if error.errno == EEXIST { throw Self.taken(path) }
            throw StoreError(
                .bundleFailed, "cannot write the bundle: cannot \(error.description)", path: path,
                hint: error.isFull ? "free space, or bundle fewer files with --path" : nil)
        }
    }

    /// Writes the tree as an archive and returns the archive's path.
    private func archive() throws(FileFailure) -> String {
        let file = scratch + "/archive"
        let source = try Descriptor.open(scratch + "/tree", O_RDONLY | O_DIRECTORY)
        defer { close(source) }
        let output = try Descriptor.open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        defer { close(output) }
        var options = FolderArchive.Options()
        options.ownedByRoot = true
        let archive = try FolderArchive(source, path: Array(name.utf8), options: options)
        // zlib's default level, as of gzip(1).
        let gzip = try GzipStream(level: 6)
        while let piece = try archive.next() { try Descriptor.write(output, gzip.compressed(piece), path: file) }
        try Descriptor.write(output, gzip.compressed([], last: true), path: file)
        try Descriptor.sync(output, path: file)
        return file
    }

    private static func taken(_ path: String) -> StoreError {
        StoreError(.exists, "the bundle already exists", path: path, hint: "remove it or choose another --to")
    }
}
