import Glibc
import Terminal

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
    /// The name is a link to the file.
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

/// Walks a folder of a store.
struct StoreTree {
    /// What has no place in a store, or cannot be read, one line each.
    private(set) var complaints: [String] = []
    private let root: String
    /// Packs and symbols may lie on another disk, behind a link to a folder. In the spool a link is nobody's.
    private let followsLinks: Bool
    private var visited: Set<[UInt64]> = []

    private static let depthLimit = 32

    init(_ root: String, followsLinks: Bool) {
        self.root = root
        self.followsLinks = followsLinks
    }

    /// The regular files below a folder, in the order of their names, those that begin with a dot last. What vanishes
    /// meanwhile, and a folder that is not there, is left out.
    mutating func files(in folder: String, depth: Int = 0) -> [StoreFile] {
        guard depth < Self.depthLimit else {
            complaints.append("\(folder) is nested too deeply and was left out")
            return []
        }
        guard let names = names(in: folder) else { return [] }
        var found: [StoreFile] = []
        for name in names {
            let path = "\(folder)/\(name)"
            var facts = stat()
            guard lstat("\(root)/\(path)", &facts) == 0 else {
                if errno != ENOENT { complain(path) }
                continue
            }
            let isLink = facts.st_mode & S_IFMT == S_IFLNK
            if isLink {
                guard followsLinks, stat("\(root)/\(path)", &facts) == 0 else {
                    complaints.append("\(path) is a link and was left out")
                    continue
                }
            }
            switch facts.st_mode & S_IFMT {
            case S_IFDIR:
                guard visited.insert([UInt64(facts.st_dev), UInt64(facts.st_ino)]).inserted else { continue }
                found += files(in: path, depth: depth + 1)
            case S_IFREG: found.append(StoreFile(path: path, facts, isLink: isLink))
            default: complaints.append("\(path) is neither a file nor a folder and was left out")
            }
        }
        return found
    }

    /// The names in a folder, those that begin with a dot last; nil, with a complaint, when it cannot be read.
    mutating func names(in folder: String) -> [String]? {
        guard let handle = opendir("\(root)/\(folder)") else {
            if errno != ENOENT, errno != ENOTDIR { complain(folder) }
            return nil
        }
        defer { closedir(handle) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name {
                if name != ".", name != ".." { names.append(name) }
            } else {
                complaints.append("a name in \(folder) is not UTF-8; it is not salvage's and was left out")
            }
            errno = 0
        }
        if errno != 0 { complain(folder) }
        return names.sorted { ($0.hasPrefix(".") ? 1 : 0, $0) < ($1.hasPrefix(".") ? 1 : 0, $1) }
    }

    private mutating func complain(_ path: String) {
        complaints.append("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
}
