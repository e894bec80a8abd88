internal import CFiles
internal import Glibc

/// An open folder. Files in it are listed, opened, moved and removed through its descriptor, so replacing the folder
/// with a link meanwhile has no effect. Every walk and every removal in a store uses this class.
///
/// Names are single components; `.`, `..` and names with a slash are refused. Links are followed only where a call
/// allows it. ``FileFailure/isAbsence`` distinguishes "does not exist" from "cannot be read now".
public final class OpenFolder: Sendable {
    /// A directory entry with its metadata.
    public struct Entry: Sendable, Equatable {
        /// The file types distinguished here.
        public enum Kind: Sendable { case file, folder, link, other }

        /// The name; invalid UTF-8 is replaced.
        public var name: String
        /// Its type; links are not followed.
        public var kind: Kind
        /// Size of the file in bytes.
        public var size: UInt64
        /// Last change of the content, in nanoseconds since 1970 UTC.
        public var modified: Int64
        /// Last change of the inode (`ctime`), in nanoseconds since 1970 UTC.
        public var changed: Int64
        /// Device and inode, which identify the file whatever its name.
        public var identity: FileIdentity
        /// The name's bytes, with the terminating zero.
        let bytes: [CChar]

        init(_ bytes: [CChar], _ facts: stat) {
            self.bytes = bytes
            name = bytes.withUnsafeBytes { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
            switch facts.st_mode & S_IFMT {
            case S_IFREG: kind = .file
            case S_IFDIR: kind = .folder
            case S_IFLNK: kind = .link
            default: kind = .other
            }
            size = UInt64(max(0, facts.st_size))
            modified = Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
            changed = Int64(facts.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_ctim.tv_nsec)
            identity = FileIdentity(facts)
        }
    }

    /// Its path, for messages.
    public let path: String
    /// The folder's descriptor, for locks. This object closes it.
    public let descriptor: Int32

    /// Opens a folder by its path. Links in the path are followed: the store's administrator chose them.
    public init(path: String) throws(FileFailure) {
        self.path = path
        descriptor = try Self.open(AT_FDCWD, Self.zeroEnded(path), O_RDONLY | O_DIRECTORY, path, "open the folder")
    }

    /// Opens a folder as ``init(path:)`` does; nil only if nothing of that name exists. A link that leads nowhere throws:
    /// the disk that it leads to may not be mounted. So does a name that is not a folder's.
    public init?(ifPresent path: String) throws(FileFailure) {
        let opened: Int32
        do throws(FileFailure) {
            opened = try Self.open(AT_FDCWD, Self.zeroEnded(path), O_RDONLY | O_DIRECTORY, path, "open the folder")
        } catch {
            guard error.isAbsence else { throw error }
            var facts = stat()
            guard lstat(path, &facts) == 0 else { return nil }
            switch facts.st_mode & S_IFMT {
            case S_IFLNK where error.errno == ENOENT:
                throw FileFailure("open the folder behind the link", path, errno: ENOLINK)
            // Made since the call above.
            case S_IFDIR: return nil
            default: throw error
            }
        }
        self.path = path
        descriptor = opened
    }

    /// Opens a folder only to reach what is in it by name, which needs no permission to list it.
    init(reaching path: String) throws(FileFailure) {
        self.path = path
        descriptor = try Self.open(
            AT_FDCWD, Self.zeroEnded(path), SALVAGE_O_PATH | O_DIRECTORY, path, "open the folder")
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    // MARK: Looking

    /// Opens a subfolder; a link to a folder only with `followingLink`.
    public func folder(_ name: String, followingLink: Bool = false) throws(FileFailure) -> OpenFolder {
        let place = self.place(name)
        let flags = O_RDONLY | O_DIRECTORY | (followingLink ? 0 : O_NOFOLLOW)
        return OpenFolder(
            path: place,
            descriptor: try Self.open(descriptor, try component(name), flags, place, "open the folder"))
    }

    /// Opens a subfolder, not through a link; nil only if there is no folder of that name.
    public func folder(ifPresent name: String) throws(FileFailure) -> OpenFolder? {
        do throws(FileFailure) { return try folder(name) } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// Opens a listed subfolder; a link to a folder only with `followingLink`.
    public func folder(_ entry: Entry, followingLink: Bool = false) throws(FileFailure) -> OpenFolder {
        let flags = O_RDONLY | O_DIRECTORY | (followingLink ? 0 : O_NOFOLLOW)
        let place = self.place(entry.name)
        return OpenFolder(
            path: place, descriptor: try Self.open(descriptor, entry.bytes, flags, place, "open the folder"))
    }

    /// A file name in a folder.
    public struct Name: Sendable, Equatable {
        /// The name; invalid UTF-8 is replaced.
        public var shown: String
        /// The name; nil when it is not valid UTF-8.
        public var text: String?
        /// The name's bytes, with the terminating zero.
        let bytes: [CChar]

        init(_ bytes: [CChar]) {
            self.bytes = bytes
            let plain = bytes.dropLast().map { UInt8(bitPattern: $0) }
            shown = String(decoding: plain, as: UTF8.self)
            text = String(validating: plain, as: UTF8.self)
        }
    }

    /// The names in the folder, sorted by bytes, without a `stat` of each.
    public func names() throws(FileFailure) -> [Name] {
        // Needs its own descriptor: a listing moves the offset that duplicates share.
        let own = try Self.open(descriptor, Self.zeroEnded("."), O_RDONLY | O_DIRECTORY, path, "list the folder")
        guard let listing = fdopendir(own) else {
            let number = errno
            close(own)
            throw FileFailure("list the folder", path, errno: number)
        }
        defer { closedir(listing) }
        var found: [Name] = []
        while true {
            errno = 0
            guard let next = readdir(listing) else {
                guard errno == 0 else { throw .last("list the folder", path) }
                break
            }
            let name = withUnsafeBytes(of: &next.pointee.d_name) { raw in
                raw.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            if name == [0x2E, 0] || name == [0x2E, 0x2E, 0] { continue }
            found.append(Name(name))
        }
        return found.sorted { left, right in
            left.bytes.lexicographicallyPrecedes(right.bytes) {
                UInt8(bitPattern: $0) < UInt8(bitPattern: $1)
            }
        }
    }

    /// All entries of the folder, sorted by the bytes of their names. A file that vanishes meanwhile is left out. If
    /// `stat` fails for another reason, the whole listing fails: the file must not be taken for absent.
    public func entries() throws(FileFailure) -> [Entry] {
        var found: [Entry] = []
        for name in try names() {
            if let entry = try look(name.bytes, follow: false) { found.append(entry) }
        }
        return found
    }

    /// The entry of a name; nil when it does not exist.
    public func entry(_ name: String, followingLink: Bool = false) throws(FileFailure) -> Entry? {
        try look(try component(name), follow: followingLink)
    }

    private func look(_ name: [CChar], follow: Bool) throws(FileFailure) -> Entry? {
        var facts = stat()
        while fstatat(descriptor, name, &facts, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0 {
            if errno == EINTR { continue }
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .last("inspect the file", place(name))
        }
        return Entry(name, facts)
    }

    /// Opens a regular file in the folder for reading; a link only with `followingLink`. The caller closes the
    /// descriptor.
    public func openFile(_ name: String, followingLink: Bool = false) throws(FileFailure) -> Int32 {
        // Without O_NONBLOCK a FIFO of that name would wait for a writer.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followingLink ? 0 : O_NOFOLLOW)
        let place = self.place(name)
        let file = try Self.open(descriptor, try component(name), flags, place, "open the file")
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw FileFailure("open the file, which is not a regular one", place, errno: EINVAL)
        }
        return file
    }

    /// Reads a whole regular file in the folder; links are not followed. Fails with `EOVERFLOW` if
    /// it exceeds `limit` bytes.
    public func content(of name: String, limit: Int) throws(FileFailure) -> [UInt8] {
        let file = try openFile(name)
        defer { close(file) }
        let size = try Descriptor.size(file, path: place(name))
        guard size <= UInt64(limit) else {
            throw FileFailure(
                "read the file of \(size) bytes, more than the limit of \(limit)", place(name), errno: EOVERFLOW)
        }
        return try Descriptor.read(file, at: 0, count: Int(size), path: place(name))
    }

    // MARK: Changing

    /// Removes a file, or a link itself; false when there is none.
    @discardableResult
    public func remove(_ name: String) throws(FileFailure) -> Bool { try unlink(try component(name), 0) }

    /// Removes a listed file, or a link itself; false when it is already gone.
    @discardableResult
    public func remove(_ entry: Entry) throws(FileFailure) -> Bool { try unlink(entry.bytes, 0) }

    /// Removes an empty folder; false when it does not exist or is not empty.
    @discardableResult
    public func removeFolder(_ name: String) throws(FileFailure) -> Bool {
        try unlink(try component(name), AT_REMOVEDIR)
    }

    private func unlink(_ name: [CChar], _ flags: Int32) throws(FileFailure) -> Bool {
        while unlinkat(descriptor, name, flags) != 0 {
            switch errno {
            case EINTR: continue
            case ENOENT: return false
            case ENOTEMPTY where flags != 0, EEXIST where flags != 0: return false
            default: throw .last(flags == 0 ? "remove the file" : "remove the folder", place(name))
            }
        }
        return true
    }

    /// Removes a folder here with all that is in it, or a file, or a link itself; false when there is none. Links are
    /// never followed, whatever happens meanwhile. Holds one descriptor open per level.
    @discardableResult
    public func removeTree(_ name: String) throws(FileFailure) -> Bool {
        guard let entry = try entry(name) else { return false }
        return try removeTree(entry)
    }

    /// Removes a listed entry with all that is in it; false when it is already gone.
    @discardableResult
    public func removeTree(_ entry: Entry) throws(FileFailure) -> Bool {
        guard entry.kind == .folder else { return try unlink(entry.bytes, 0) }
        do throws(FileFailure) {
            let inner = try folder(entry)
            for below in try inner.entries() { try inner.removeTree(below) }
        } catch {
            // Since it was listed, it was removed, or something else has taken its name.
            guard error.isAbsence || error.errno == ELOOP else { throw error }
            return try unlink(entry.bytes, 0)
        }
        if try unlink(entry.bytes, AT_REMOVEDIR) { return true }
        guard try look(entry.bytes, follow: false) != nil else { return false }
        throw FileFailure("remove the folder", place(entry.name), errno: ENOTEMPTY)
    }

    /// Creates a new file here with mode 0600; fails if the name exists. The caller closes the descriptor.
    public func createFile(_ name: String) throws(FileFailure) -> Int32 {
        let place = self.place(name)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
        return try Self.open(descriptor, try component(name), flags, place, "create the file", mode: 0o600)
    }

    /// Renames `other` to `name` within this folder, replacing the file of that name.
    public func replace(_ name: String, with other: String) throws(FileFailure) {
        guard renameat(descriptor, try component(other), descriptor, try component(name)) == 0 else {
            throw .last("rename the file", place(name))
        }
    }

    /// Moves a file from here to `folder`, which must be on the same file system. `target` must not exist there: the
    /// kernel refuses to replace it; for file systems without that support, a check comes first.
    public func move(_ name: String, to folder: OpenFolder, as target: String) throws(FileFailure) {
        guard try folder.entry(target) == nil else {
            throw FileFailure("move the file", folder.place(target), errno: EEXIST)
        }
        let (old, new) = (try component(name), try folder.component(target))
        if salvage_rename_new(descriptor, old, folder.descriptor, new) == 0 { return }
        if errno == EINVAL || errno == ENOSYS, renameat(descriptor, old, folder.descriptor, new) == 0 { return }
        throw .last("move the file", place(name))
    }

    /// Makes a hard link in the folder; false when the name already exists. Throws where the file system has no hard
    /// links.
    public func link(_ name: String, as target: String) throws(FileFailure) -> Bool {
        if linkat(descriptor, try component(name), descriptor, try component(target), 0) == 0 { return true }
        if errno == EEXIST { return false }
        throw .last("link the file", place(target))
    }

    /// Creates a folder here with mode 0700, unless it exists, and opens it.
    public func makeFolder(_ name: String) throws(FileFailure) -> OpenFolder {
        if mkdirat(descriptor, try component(name), 0o700) == 0 {
            try sync()
        } else if errno != EEXIST {
            throw .last("create the folder", place(name))
        }
        return try folder(name)
    }

    /// Syncs the folder, so that changes to its entries survive a power cut.
    public func sync() throws(FileFailure) {
        guard fsync(descriptor) == 0 else { throw .last("sync the folder", path) }
    }

    // MARK: Names

    private func place(_ name: String) -> String { path + "/" + name }

    private func place(_ name: [CChar]) -> String {
        place(name.withUnsafeBytes { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) })
    }

    private func component(_ name: String) throws(FileFailure) -> [CChar] {
        let bytes = name.utf8
        guard !bytes.isEmpty, name != ".", name != "..", !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0) else {
            throw FileFailure("use the name, which is not a single path component", place(name), errno: EINVAL)
        }
        return Self.zeroEnded(name)
    }

    private static func zeroEnded(_ name: String) -> [CChar] { name.utf8.map { CChar(bitPattern: $0) } + [0] }

    private static func open(
        _ folder: Int32, _ name: [CChar], _ flags: Int32, _ place: String, _ what: String, mode: mode_t = 0
    ) throws(FileFailure) -> Int32 {
        while true {
            let opened = openat(folder, name, flags | O_CLOEXEC, mode)
            if opened >= 0 { return opened }
            if errno != EINTR { throw .last(what, place) }
        }
    }
}
