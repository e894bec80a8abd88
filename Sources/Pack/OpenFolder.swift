import CShims
import Glibc

/// A folder held open. What is listed, opened, moved or removed in it is reached through its descriptor, so a link put
/// in its place meanwhile leads nowhere. Every walk and every removal in a store goes through here.
///
/// Names are single components; `.`, `..` and names with a slash are refused. Links are followed only where a call says
/// so. Errors are `PackError` with the `errno` of the call: ``PackError/isAbsence`` tells "is not there" from "cannot be
/// read now".
public final class OpenFolder: Sendable {
    /// What a name stands for.
    public struct Entry: Sendable, Equatable {
        /// The kinds that matter here.
        public enum Kind: Sendable { case file, folder, link, other }

        /// The name; bytes that are no UTF-8 are replaced.
        public var name: String
        /// What it is; links are not followed.
        public var kind: Kind
        /// Bytes of the file.
        public var size: UInt64
        /// Last change of the content, in nanoseconds since 1970 UTC.
        public var modified: Int64
        /// Last change of content, name or rights, in nanoseconds since 1970 UTC.
        public var changed: Int64
        /// Which file it is, whatever its name.
        public var identity: FileIdentity
        /// The name as the system knows it, with its final zero.
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

    /// Where it lies, for messages.
    public let path: String
    /// The folder's descriptor, which stays this object's: for locks.
    public let descriptor: Int32

    /// Opens a folder by its path; links on the way are followed, for whoever set up the store chose them.
    public init(path: String) throws(PackError) {
        self.path = path
        descriptor = try Self.open(AT_FDCWD, Self.zeroEnded(path), O_RDONLY | O_DIRECTORY, path, "opening a folder")
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    // MARK: Looking

    /// Opens a folder in this one; a link to one only with `followingLink`.
    public func folder(_ name: String, followingLink: Bool = false) throws(PackError) -> OpenFolder {
        let place = self.place(name)
        let flags = O_RDONLY | O_DIRECTORY | (followingLink ? 0 : O_NOFOLLOW)
        return OpenFolder(
            path: place,
            descriptor: try Self.open(descriptor, try component(name), flags, place, "opening a folder"))
    }

    /// Opens a folder in this one that was listed and is no link.
    public func folder(_ entry: Entry, followingLink: Bool = false) throws(PackError) -> OpenFolder {
        let flags = O_RDONLY | O_DIRECTORY | (followingLink ? 0 : O_NOFOLLOW)
        let place = self.place(entry.name)
        return OpenFolder(
            path: place, descriptor: try Self.open(descriptor, entry.bytes, flags, place, "opening a folder"))
    }

    /// A name in a folder.
    public struct Name: Sendable, Equatable {
        /// The name; bytes that are no UTF-8 are replaced.
        public var shown: String
        /// The name; nil when its bytes are no UTF-8, so that no text names the file.
        public var text: String?
        /// The name as the system knows it, with its final zero.
        let bytes: [CChar]

        init(_ bytes: [CChar]) {
            self.bytes = bytes
            let plain = bytes.dropLast().map { UInt8(bitPattern: $0) }
            shown = String(decoding: plain, as: UTF8.self)
            text = String(validating: plain, as: UTF8.self)
        }
    }

    /// The names in the folder in the order of their bytes, without a look at what they stand for.
    public func names() throws(PackError) -> [Name] {
        // A descriptor of its own: a listing moves the position that all copies share.
        let own = try Self.open(descriptor, Self.zeroEnded("."), O_RDONLY | O_DIRECTORY, path, "listing a folder")
        guard let listing = fdopendir(own) else {
            let number = errno
            close(own)
            throw .system(number, "listing a folder", path: path)
        }
        defer { closedir(listing) }
        var found: [Name] = []
        while true {
            errno = 0
            guard let next = readdir(listing) else {
                guard errno == 0 else { throw .system(errno, "listing a folder", path: path) }
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

    /// Everything in the folder, in the order of the names' bytes. What vanishes meanwhile is left out; a name that
    /// cannot be looked at for another reason makes the whole listing fail, for it must not pass for absent.
    public func entries() throws(PackError) -> [Entry] {
        var found: [Entry] = []
        for name in try names() {
            if let entry = try look(name.bytes, follow: false) { found.append(entry) }
        }
        return found
    }

    /// What a name stands for; nil when there is nothing of that name.
    public func entry(_ name: String, followingLink: Bool = false) throws(PackError) -> Entry? {
        try look(try component(name), follow: followingLink)
    }

    private func look(_ name: [CChar], follow: Bool) throws(PackError) -> Entry? {
        var facts = stat()
        while fstatat(descriptor, name, &facts, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0 {
            if errno == EINTR { continue }
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw .system(errno, "looking at a file", path: place(name))
        }
        return Entry(name, facts)
    }

    /// Opens a regular file in the folder for reading; a link only with `followingLink`. The descriptor is the caller's.
    public func openFile(_ name: String, followingLink: Bool = false) throws(PackError) -> Int32 {
        // Without O_NONBLOCK a FIFO of that name would wait for a writer.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followingLink ? 0 : O_NOFOLLOW)
        let place = self.place(name)
        let file = try Self.open(descriptor, try component(name), flags, place, "opening a file")
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw .system(EINVAL, "opening a file that is none", path: place)
        }
        return file
    }

    /// All of a small regular file in the folder; links are not followed. Throws `tooLarge` beyond `limit` bytes.
    public func content(of name: String, limit: Int) throws(PackError) -> [UInt8] {
        let file = try openFile(name)
        defer { close(file) }
        let size = try PackFile.size(file)
        guard size <= UInt64(limit) else {
            throw PackError(
                .tooLarge, "the file has \(size) bytes, of which at most \(limit) are read", path: place(name))
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let got = try bytes.withUnsafeMutableBytes { raw in
            Result { () throws(PackError) in try PackFile.read(file, at: 0, into: raw) }
        }.get()
        bytes.removeLast(bytes.count - got)
        return bytes
    }

    // MARK: Changing

    /// Removes a file, or a link itself; false when there is none.
    @discardableResult
    public func remove(_ name: String) throws(PackError) -> Bool { try unlink(try component(name), 0) }

    /// Removes a file, or a link itself, that was listed; false when it is gone already.
    @discardableResult
    public func remove(_ entry: Entry) throws(PackError) -> Bool { try unlink(entry.bytes, 0) }

    /// Removes an empty folder; false when there is none, or it is not empty.
    @discardableResult
    public func removeFolder(_ name: String) throws(PackError) -> Bool {
        try unlink(try component(name), AT_REMOVEDIR)
    }

    private func unlink(_ name: [CChar], _ flags: Int32) throws(PackError) -> Bool {
        while unlinkat(descriptor, name, flags) != 0 {
            switch errno {
            case EINTR: continue
            case ENOENT: return false
            case ENOTEMPTY where flags != 0, EEXIST where flags != 0: return false
            default: throw .system(errno, flags == 0 ? "removing a file" : "removing a folder", path: place(name))
            }
        }
        return true
    }

    /// Creates a file here that its owner only can read and write, and that was not there before. The descriptor is the
    /// caller's.
    func createFile(_ name: String) throws(PackError) -> Int32 {
        let place = self.place(name)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
        return try Self.open(descriptor, try component(name), flags, place, "creating a file", mode: 0o600)
    }

    /// Gives a file's name here to another file of this folder, whose own name goes; what had the name before is gone.
    func replace(_ name: String, with other: String) throws(PackError) {
        guard renameat(descriptor, try component(other), descriptor, try component(name)) == 0 else {
            throw .system(errno, "renaming a file", path: place(name))
        }
    }

    /// Moves what has a name here to a folder, which must lie on the same file system. What has the new name there must
    /// not exist: the system refuses to replace it, and where it cannot, the name is looked at first.
    public func move(_ name: String, to folder: OpenFolder, as target: String) throws(PackError) {
        guard try folder.entry(target) == nil else {
            throw .system(EEXIST, "moving a file", path: folder.place(target))
        }
        let (old, new) = (try component(name), try folder.component(target))
        if salvage_rename_new(descriptor, old, folder.descriptor, new) == 0 { return }
        if errno == EINVAL || errno == ENOSYS, renameat(descriptor, old, folder.descriptor, new) == 0 { return }
        throw .system(errno, "moving a file", path: place(name))
    }

    /// Gives a file a second name in the folder; false when there is something of that name already. Throws where the
    /// file system has no second names.
    public func link(_ name: String, as target: String) throws(PackError) -> Bool {
        if linkat(descriptor, try component(name), descriptor, try component(target), 0) == 0 { return true }
        if errno == EEXIST { return false }
        throw .system(errno, "linking a file", path: place(target))
    }

    /// Makes a folder here that its owner only can enter, unless it exists, and opens it.
    public func makeFolder(_ name: String) throws(PackError) -> OpenFolder {
        if mkdirat(descriptor, try component(name), 0o700) == 0 {
            try sync()
        } else if errno != EEXIST {
            throw .system(errno, "making a folder", path: place(name))
        }
        return try folder(name)
    }

    /// Makes what was done to names here survive a power cut.
    public func sync() throws(PackError) {
        guard fsync(descriptor) == 0 else { throw .system(errno, "syncing a folder", path: path) }
    }

    // MARK: Names

    private func place(_ name: String) -> String { path + "/" + name }

    private func place(_ name: [CChar]) -> String {
        place(name.withUnsafeBytes { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) })
    }

    private func component(_ name: String) throws(PackError) -> [CChar] {
        let bytes = name.utf8
        guard !bytes.isEmpty, name != ".", name != "..", !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0) else {
            throw .system(EINVAL, "a name that is no single component", path: place(name))
        }
        return Self.zeroEnded(name)
    }

    private static func zeroEnded(_ name: String) -> [CChar] { name.utf8.map { CChar(bitPattern: $0) } + [0] }

    private static func open(
        _ folder: Int32, _ name: [CChar], _ flags: Int32, _ place: String, _ what: String, mode: mode_t = 0
    ) throws(PackError) -> Int32 {
        while true {
            let opened = openat(folder, name, flags | O_CLOEXEC, mode)
            if opened >= 0 { return opened }
            if errno != EINTR { throw .system(errno, what, path: place) }
        }
    }
}

/// Tells one file from another, whatever their names.
public struct FileIdentity: Sendable, Hashable {
    /// The file system.
    public var device: UInt64
    /// The file in it.
    public var inode: UInt64

    init(_ facts: stat) {
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
    }

    /// The identity of an open file.
    public init(of descriptor: Int32) throws(PackError) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .system(errno, "looking at an open file") }
        self.init(facts)
    }
}

extension PackError {
    /// The system says that what was asked for does not exist. Every other error means only that it cannot be reached
    /// now: too many open files, a failing disk, missing rights.
    public var isAbsence: Bool { errno == ENOENT || errno == ENOTDIR }

    /// The fault is this machine's and may pass: a system call failed for another reason than absence or room, or memory
    /// was short. Nothing follows from it for the file.
    public var isLocalFault: Bool { (code == .io && !isAbsence) || code == .resources }
}
