import CShims
import Glibc
import Text

/// One version of an image as it lies on disk.
struct ImageEntry: Sendable {
    let image: String
    let version: ImageVersion
    let folder: String
    /// What its image.json says, or why it cannot be read.
    let description: Result<ImageDescription, BrokenImage>

    /// One whose image.json cannot be read counts as if it gave none.
    var priority: Int { (try? description.get())?.priority ?? 0 }

    /// Those of some places that may host it; all where its image.json cannot be read.
    func admitted(of places: [Place]) -> [Place] {
        guard case .success(let description) = description, let names = description.locations else { return places }
        return places.filter { place in names.contains { place.isCalled($0) } }
    }

    /// The image with its executable.
    /// - Throws: `BrokenImage` when image.json cannot be read or there is no executable.
    func usable() throws(BrokenImage) -> Image {
        let description = try description.get()
        return Image(
            name: image, version: version.name, folder: folder, description: description,
            executable: try ImageExecutable.find(in: folder, description: description))
    }
}

/// The folder of images. It is read at each request, so that an image can be added while the server runs.
/// All of its functions block on files.
struct ImageFolder: Sendable {
    let path: String

    /// - Throws: `BrokenImage` when the folder of images itself cannot be read.
    func exists(_ name: String) throws(BrokenImage) -> Bool {
        guard let folder = Self.join(path, name) else { return false }
        if try Self.isFolder(folder) { return true }
        guard try Self.isFolder(path) else {
            throw BrokenImage(file: path, reason: "the folder of images is not there")
        }
        return false
    }

    /// One version of an image; nil when there is no such folder.
    func entry(_ name: String, version: String) throws(BrokenImage) -> ImageEntry? {
        guard let base = Self.join(path, name), let folder = Self.join(base, version), try Self.isFolder(folder) else {
            return nil
        }
        // Where a link such as `latest` leads, so that copying it copies what it means.
        guard let real = realpath(folder, nil) else { throw Self.unreadable(folder, errno) }
        defer { free(real) }
        let place = String(cString: real)
        return ImageEntry(
            image: name, version: ImageVersion(version), folder: place, description: Self.description(in: place))
    }

    /// All versions of an image, the highest priority first.
    func entries(_ name: String) throws(BrokenImage) -> [ImageEntry] {
        guard let base = Self.join(path, name), try Self.isFolder(base) else { return [] }
        var entries: [ImageEntry] = []
        for version in try Self.names(in: base) {
            if let entry = try entry(name, version: version) { entries.append(entry) }
        }
        return entries.sorted { one, other in
            one.priority == other.priority ? one.version > other.version : one.priority > other.priority
        }
    }

    private static func description(in folder: String) -> Result<ImageDescription, BrokenImage> {
        let file = folder + "/image.json"
        do {
            guard let bytes = try read(file) else { return .success(ImageDescription()) }
            return .success(try ImageDescription(bytes, file: file))
        } catch {
            return .failure(error)
        }
    }

    /// Nil when there is no such file.
    private static func read(_ file: String) throws(BrokenImage) -> [UInt8]? {
        let limit = 1 << 20
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            // A link to nothing is no missing file: somebody meant one to be there.
            if errno == ENOENT, faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0 { return nil }
            throw unreadable(file, errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw BrokenImage(file: file, reason: "is not a file")
        }
        guard status.st_size <= limit else { throw BrokenImage(file: file, reason: "is larger than 1 MiB") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled, off_t(filled))
            }
            guard count >= 0 else { throw unreadable(file, errno) }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes.prefix(filled))
    }

    /// What is in a folder. A name that is not UTF-8 is left out: no request can hold it.
    static func names(in folder: String) throws(BrokenImage) -> [String] {
        guard let stream = opendir(folder) else { throw unreadable(folder, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func unreadable(_ file: String, _ code: Int32) -> BrokenImage {
        BrokenImage(file: file, reason: "cannot be read: \(String(cString: strerror(code)))")
    }

    /// Nil when the name would leave the folder: names come from callers.
    private static func join(_ base: String, _ name: String) -> String? {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= 255,
            !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
        else { return nil }
        return base + "/" + name
    }

    private static func isFolder(_ path: String) throws(BrokenImage) -> Bool {
        var status = stat()
        if stat(path, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR }
        switch errno {
        case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: return false
        case let code: throw unreadable(path, code)
        }
    }
}

/// Finds what an image starts.
enum ImageExecutable {
    /// - Returns: a path inside the folder, of a file that this machine can start as far as its first bytes tell.
    /// - Throws: `BrokenImage` when there is none, or more than one to choose from.
    static func find(in folder: String, description: ImageDescription) throws(BrokenImage) -> String {
        let path = try choose(in: folder, description.executable)
        if let reason = fault(of: folder + "/" + path) {
            throw BrokenImage(file: folder + "/" + path, reason: reason)
        }
        if description.copy, let target = relativeTarget(of: folder + "/" + path), !isInside(folder, path) {
            throw BrokenImage(
                file: folder + "/" + path,
                reason: "the link to \(target) leads out of the folder that each session gets a copy of; "
                    + "use an absolute link or \"copy\": false")
        }
        return path
    }

    private static func choose(in folder: String, _ named: String?) throws(BrokenImage) -> String {
        if let named { return named }
        if access(folder + "/server", F_OK) == 0 { return "server" }
        let candidates = try ImageFolder.names(in: folder).filter { name in
            kind(of: folder + "/" + name) == S_IFREG && access(folder + "/" + name, X_OK) == 0
        }
        switch candidates.count {
        case 1: return candidates[0]
        case 0:
            throw BrokenImage(
                file: folder, reason: "has no executable; put one there, called server or named in image.json")
        default:
            let names = candidates.sorted { $0.precedesInBytes($1) }.joined(separator: ", ")
            throw BrokenImage(
                file: folder, reason: "has several executables (\(names)); call one server or name it in image.json")
        }
    }

    /// Why a file cannot be started; nil when it can.
    private static func fault(of file: String) -> String? {
        guard let kind = kind(of: file) else {
            return "the executable is not there: \(String(cString: strerror(errno)))"
        }
        guard kind == S_IFREG else { return "the executable is not a file" }
        guard access(file, X_OK) == 0 else { return "is not executable; chmod +x mends it" }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        // A program may be executable and not readable.
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &bytes, bytes.count)
        bytes.removeLast(bytes.count - max(0, count))
        if bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return nil }
        guard bytes.starts(with: "#!".utf8) else {
            return "the executable is neither an ELF program nor a script that begins with #!"
        }
        let line = bytes.dropFirst(2).prefix { $0 != 0x0a }.drop { $0 == 0x20 || $0 == 0x09 }
        let interpreter = String(decoding: line.prefix { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self)
        guard access(interpreter, X_OK) == 0 else {
            let windows = interpreter.utf8.last == 0x0d ? "; the file has the line endings of Windows" : ""
            return "the interpreter \(interpreter) is not there\(windows)"
        }
        return nil
    }

    private static func kind(of file: String) -> mode_t? {
        var status = stat()
        return stat(file, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    /// What a link says, unless it is absolute; nil for no link.
    private static func relativeTarget(of file: String) -> String? {
        var room = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink(file, &room, room.count))
        let target = room.prefix(count).map { UInt8(bitPattern: $0) }
        return target.isEmpty || target[0] == UInt8(ascii: "/") ? nil : String(decoding: target, as: UTF8.self)
    }

    private static func isInside(_ folder: String, _ path: String) -> Bool {
        guard let real = realpath(folder + "/" + path, nil) else { return false }
        defer { free(real) }
        return String(cString: real).hasBytePrefix(folder + "/")
    }
}
