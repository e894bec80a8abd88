import Files
import Glibc
import Model
import Pack

/// A file of a store, to be backed up.
struct StoreFile: Equatable {
    /// Relative to the store.
    let path: String
    let size: UInt64
    /// In nanoseconds since 1970 UTC.
    let modified: Int64
    let device: UInt64
    let inode: UInt64
    let links: UInt64
    /// Whether the name is a symbolic link to the file.
    let isLink: Bool

    init(path: String, _ facts: stat, isLink: Bool = false) {
        self.path = path
        self.isLink = isLink
        size = UInt64(max(0, facts.st_size))
        modified = Int64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(facts.st_mtim.tv_nsec)
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
        links = UInt64(facts.st_nlink)
    }
}

/// A file of a store that a backup lacks, or holds damaged as it is in the store.
struct BackupGap: Equatable {
    /// Relative to the store; bytes that are not UTF-8 are replaced.
    var path: String
    /// What is wrong: the rest of a sentence that begins with the path.
    var why: String

    var words: String { "\(path) \(why)" }
}

/// Walks a folder of a store.
struct StoreTree {
    /// Files that do not belong in a store or cannot be read.
    private(set) var gaps: [BackupGap] = []
    private let root: String
    /// Packs and symbols may be on another disk, behind a link to a folder. salvage creates no links in the spool.
    private let followsLinks: Bool
    private var visited: Set<[UInt64]> = []

    private static let depthLimit = 32

    init(_ root: String, followsLinks: Bool) {
        self.root = root
        self.followsLinks = followsLinks
    }

    /// The regular files below a folder, sorted by name, dot files last. Files that vanish meanwhile, and a folder that
    /// does not exist, are left out.
    mutating func files(in folder: String, depth: Int = 0) -> [StoreFile] {
        guard depth < Self.depthLimit else {
            note(folder, "is nested too deeply and was left out")
            return []
        }
        guard let names = names(in: folder) else { return [] }
        var found: [StoreFile] = []
        for name in names {
            let path = "\(folder)/\(name)"
            guard var facts = look(path) else { continue }
            let isLink = facts.st_mode & S_IFMT == S_IFLNK
            if isLink {
                guard followsLinks else {
                    note(path, "is a link and was left out")
                    continue
                }
                guard stat("\(root)/\(path)", &facts) == 0 else {
                    note(path, "is a link that cannot be followed: \(String(cString: strerror(errno)))")
                    continue
                }
            }
            switch facts.st_mode & S_IFMT {
            case S_IFDIR:
                guard visited.insert([UInt64(facts.st_dev), UInt64(facts.st_ino)]).inserted else { continue }
                found += files(in: path, depth: depth + 1)
            case S_IFREG: found.append(StoreFile(path: path, facts, isLink: isLink))
            default: note(path, "is neither a file nor a folder and was left out")
            }
        }
        return found
    }

    /// The names in a folder, dot files last; nil when it does not exist, or, with a gap, when it cannot be read.
    mutating func names(in folder: String) -> [String]? {
        do throws(FileFailure) {
            guard let open = try OpenFolder(ifPresent: "\(root)/\(folder)") else { return nil }
            var names: [String] = []
            for name in try open.names() {
                guard let text = name.text else {
                    note("\(folder)/\(name.shown)", "has a name that is not UTF-8, so not salvage's, and was left out")
                    continue
                }
                names.append(text)
            }
            // The top of a file system has this folder, and only root can enter it.
            names.removeAll { $0 == "lost+found" }
            return names.filter { !$0.hasPrefix(".") } + names.filter { $0.hasPrefix(".") }
        } catch {
            if !error.isAbsence { note(folder, "cannot be read: \(error.message)") }
            return nil
        }
    }

    /// The result of `lstat`; nil when the file is gone, or, with a gap, when `lstat` fails otherwise.
    mutating func look(_ path: String) -> stat? {
        var facts = stat()
        if lstat("\(root)/\(path)", &facts) == 0 { return facts }
        if errno != ENOENT, errno != ENOTDIR { note(path, "cannot be read: \(String(cString: strerror(errno)))") }
        return nil
    }

    private mutating func note(_ path: String, _ why: String) { gaps.append(BackupGap(path: path, why: why)) }
}
