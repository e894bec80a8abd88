internal import CFiles
internal import Glibc

/// Folders by their path: created, synced, measured, removed. Links in the path are followed. To list or remove what is
/// in a folder that others write, open it as ``OpenFolder``.
public enum Folders {
    /// Creates a folder and its missing parents; does nothing if it exists. Fails with `ENOTDIR` when the path is a file.
    ///
    /// - Parameters:
    ///   - mode: the permissions of each new folder, before the process's umask takes its share.
    ///   - created: called with each folder that was created, the topmost first.
    public static func make(
        _ path: String, mode: UInt32 = 0o700,
        created: (String) throws(FileFailure) -> Void = { (_) throws(FileFailure) in }
    ) throws(FileFailure) {
        if mkdir(path, mode) == 0 { return try created(path) }
        if errno == EEXIST { return try require(path) }
        guard errno == ENOENT else { throw .last("mkdir", path) }
        let parent = split(path).folder
        guard parent != "/", parent != "." else { throw FileFailure("mkdir", path, errno: ENOENT) }
        try make(parent, mode: mode, created: created)
        if mkdir(path, mode) == 0 { return try created(path) }
        guard errno == EEXIST else { throw .last("mkdir", path) }
        try require(path)
    }

    /// Creates the missing folders of a path below a root, which must exist, with mode 0700: a root that is not there may
    /// be a disk that is not mounted.
    ///
    /// - Parameter created: called with each folder that was created, the topmost first.
    public static func make(
        _ path: String, below root: String,
        created: (String) throws(FileFailure) -> Void = { (_) throws(FileFailure) in }
    ) throws(FileFailure) {
        var made = root
        for part in path.utf8.dropFirst(root.utf8.count).split(separator: UInt8(ascii: "/")) {
            made += "/" + String(Substring(part))
            if mkdir(made, 0o700) == 0 { try created(made) } else if errno != EEXIST { throw .last("mkdir", made) }
        }
    }

    private static func require(_ path: String) throws(FileFailure) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { throw .last("stat", path) }
        guard facts.st_mode & S_IFMT == S_IFDIR else { throw FileFailure("mkdir", path, errno: ENOTDIR) }
    }

    /// Syncs a folder, so that new names in it survive a power cut.
    public static func sync(_ path: String) throws(FileFailure) {
        try with(path) { (descriptor) throws(FileFailure) in try Descriptor.sync(descriptor, path: path) }
    }

    /// Flushes the file system that holds a folder to its disk.
    public static func syncFileSystem(_ path: String) throws(FileFailure) {
        try with(path) { (descriptor) throws(FileFailure) in
            guard salvage_sync_filesystem(descriptor) == 0 else { throw .last("syncfs", path) }
        }
    }

    private static func with(_ path: String, _ body: (Int32) throws(FileFailure) -> Void) throws(FileFailure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        try body(descriptor)
    }

    /// The space and the inodes of the file system that holds a path.
    public struct Space: Sendable, Equatable {
        /// Bytes that an unprivileged process can still write.
        public var free: UInt64
        /// Bytes in all.
        public var total: UInt64
        /// Inodes that an unprivileged process can still use; nil where the file system does not count them.
        public var freeInodes: UInt64?
    }

    /// Returns the space of the file system that holds a path.
    public static func space(_ path: String) throws(FileFailure) -> Space {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { throw .last("statvfs", path) }
        func bytes(_ blocks: UInt) -> UInt64 {
            let (bytes, overflow) = UInt64(blocks).multipliedReportingOverflow(by: UInt64(facts.f_frsize))
            return overflow ? .max : bytes
        }
        return Space(
            free: bytes(facts.f_bavail), total: bytes(facts.f_blocks),
            freeInodes: facts.f_files == 0 ? nil : UInt64(facts.f_favail))
    }

    /// Creates a folder that only the owner can enter, with a name that no other has, in `parent`; returns its path.
    public static func makeTemporary(_ name: String, in parent: String) throws(FileFailure) -> String {
        var template = Array((parent + "/" + name + ".XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw .last("mkdtemp", parent) }
        return String(cString: made)
    }

    /// Removes a folder with all that is in it, or a file, or a link itself; false when there is none. Links below are
    /// removed, not followed.
    @discardableResult
    public static func removeTree(_ path: String) throws(FileFailure) -> Bool {
        let (parent, name) = split(path)
        do throws(FileFailure) { return try OpenFolder(reaching: parent).removeTree(name) } catch {
            if error.isAbsence { return false }
            throw error
        }
    }

    /// Splits a path into its folder and its last component, as dirname(1) and basename(1) do.
    public static func split(_ path: String) -> (folder: String, name: String) {
        var path = path[...]
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path = path.dropLast() }
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", String(path)) }
        let name = String(path[path.utf8.index(after: slash)...])
        var folder = path[..<slash]
        while folder.utf8.last == UInt8(ascii: "/") { folder = folder.dropLast() }
        return (folder.isEmpty ? "/" : String(folder), name)
    }
}
