import Files
import Glibc
import Text

/// One version of an image on disk.
struct ImageEntry: Sendable {
    let image: String
    let version: ImageVersion
    let folder: String
    /// The contents of image.json, or why it cannot be read.
    let description: Result<ImageDescription, BrokenImage>

    /// The priority; 0 when image.json cannot be read.
    var priority: Int { (try? description.get())?.priority ?? 0 }

    /// The given places that can host it; all of them when image.json cannot be read.
    func admitted(of places: [Place]) -> [Place] {
        guard case .success(let description) = description, let names = description.locations else { return places }
        return places.filter { place in names.contains { place.isCalled($0) } }
    }

    /// Returns the image with its executable.
    /// - Parameter portCount: number of host ports for all sessions together.
    /// - Throws: `BrokenImage` when image.json cannot be read, there is no executable, or no session could ever get
    ///   what the image needs.
    func usable(portCount: Int) throws(BrokenImage) -> Image {
        let description = try description.get()
        guard description.ports.count <= portCount else {
            throw BrokenImage(
                file: folder + "/image.json",
                reason: "needs \(counted(description.ports.count, "port")), but the sandbox has \(portCount)")
        }
        let executable = try ImageExecutable.find(in: folder, description: description)
        if description.copy {
            let contents = ImageContents(folder: folder)
            try contents.check()
            try contents.check(workdir: description.workdir)
        }
        return Image(
            name: image, version: version.name, folder: folder, description: description, executable: executable)
    }
}

/// The image folder. It is read on each request, so images can be added while the server runs. All functions block on
/// files.
struct ImageFolder: Sendable {
    let path: String

    /// Whether there is an image with this name.
    /// - Throws: `BrokenImage` when the image folder itself cannot be read.
    func exists(_ name: String) throws(BrokenImage) -> Bool {
        guard let folder = Self.join(path, name) else { return false }
        if try Self.isFolder(folder) { return true }
        guard try Self.isFolder(path) else {
            throw BrokenImage(file: path, reason: "the image folder does not exist")
        }
        return false
    }

    /// Returns one version of an image; nil when there is no such folder.
    func entry(_ name: String, version: String) throws(BrokenImage) -> ImageEntry? {
        guard let base = Self.join(path, name), let folder = Self.join(base, version), try Self.isFolder(folder) else {
            return nil
        }
        // Resolve a link such as `latest`, so that its target is copied.
        guard let real = realpath(folder, nil) else { throw Self.unreadable(folder, errno) }
        defer { free(real) }
        let place = String(cString: real)
        return ImageEntry(
            image: name, version: ImageVersion(version), folder: place, description: Self.description(in: place))
    }

    /// Returns all versions of an image, highest priority first.
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
            // A dangling link is an error, not a missing file.
            if errno == ENOENT, faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0 { return nil }
            throw unreadable(file, errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw BrokenImage(file: file, reason: "is not a file")
        }
        guard status.st_size <= limit else { throw BrokenImage(file: file, reason: "is larger than 1 MiB") }
        do throws(FileFailure) { return try Descriptor.read(descriptor, at: 0, count: Int(status.st_size)) } catch {
            throw unreadable(file, error.errno)
        }
    }

    /// The names in a folder. Names that are not UTF-8 are left out: no request can hold them.
    static func names(in folder: String) throws(BrokenImage) -> [String] {
        do throws(FileFailure) { return try OpenFolder(path: folder).names().compactMap(\.text) } catch {
            throw unreadable(folder, error.errno)
        }
    }

    static func unreadable(_ file: String, _ code: Int32) -> BrokenImage {
        BrokenImage(file: file, reason: "cannot be read: \(String(cString: strerror(code)))")
    }

    /// Appends a name that comes from a caller; nil when it would leave the folder.
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
