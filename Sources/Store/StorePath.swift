import Glibc

/// Paths of stores and backups as the file system sees them.
enum StorePath {
    /// Whether a file or folder may exist; false only if it does not. If that cannot be determined now, opening it says
    /// why.
    static func mayExist(_ path: String) -> Bool {
        access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    /// The absolute path; links and dots are resolved in the part that exists.
    static func absolute(_ path: String) -> String {
        if let pointer = realpath(path, nil) {
            defer { free(pointer) }
            return String(cString: pointer)
        }
        guard let slash = path.lastIndex(of: "/") else { return absolute(".") + "/" + path }
        let name = path[path.index(after: slash)...]
        if slash == path.startIndex { return path }
        let parent = absolute(String(path[..<slash]))
        return name.isEmpty ? parent : (parent == "/" ? "" : parent) + "/" + name
    }

    /// Whether a path is a folder or is inside it.
    static func isWithin(_ path: String, _ folder: String) -> Bool {
        path == folder || path.hasPrefix(folder == "/" ? "/" : folder + "/")
    }
}
