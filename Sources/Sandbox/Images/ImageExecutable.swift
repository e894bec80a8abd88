import Glibc
import Text

/// Finds an image's executable.
enum ImageExecutable {
    /// - Returns: the path, inside the folder, of a file that this machine can start according to its header.
    /// - Throws: `BrokenImage` when there is none, or more than one to choose from.
    static func find(in folder: String, description: ImageDescription) throws(BrokenImage) -> String {
        let path = try choose(in: folder, description.executable)
        if description.copy { try ImageContents(folder: folder).checkLinks(to: path) }
        let program = ProgramFile(base: description.copy ? folder + "/" + description.workdir : nil)
        if let reason = program.fault(of: folder + "/" + path) {
            throw BrokenImage(file: folder + "/" + path, reason: reason)
        }
        return path
    }

    private static func choose(in folder: String, _ named: String?) throws(BrokenImage) -> String {
        if let named { return named }
        if access(folder + "/server", F_OK) == 0 { return "server" }
        var candidates: [String] = []
        for name in try ImageFolder.names(in: folder) {
            let file = folder + "/" + name
            if try kind(of: file) == S_IFREG, access(file, X_OK) == 0 { candidates.append(name) }
        }
        switch candidates.count {
        case 1: return candidates[0]
        case 0:
            throw BrokenImage(
                file: folder, reason: "has no executable; add one called server, or name it in image.json")
        default:
            let names = candidates.sorted { $0.precedesInBytes($1) }.joined(separator: ", ")
            throw BrokenImage(
                file: folder, reason: "has several executables (\(names)); call one server or name it in image.json")
        }
    }

    /// The type of a file; nil when it does not exist or is a link that leads nowhere.
    private static func kind(of file: String) throws(BrokenImage) -> mode_t? {
        var status = stat()
        if stat(file, &status) == 0 { return status.st_mode & S_IFMT }
        guard [ENOENT, ENOTDIR, ELOOP].contains(errno) else { throw ImageFolder.unreadable(file, errno) }
        return nil
    }
}
