import FoundationEssentials
import Glibc
import Live
import Pack

/// One download on disk, waiting for its pack.
public struct SpooledFile: Sendable, Hashable {
    /// The container path, or `logs`.
    public var artifact: String
    /// Where it lies.
    public var path: String
    /// Its size in bytes.
    public var bytes: UInt64
    /// Whether its body ended as its framing promised; false for one that was cut off.
    public var complete: Bool
    /// It is the folder of a followed log, not yet a file.
    var isFollowed = false
    /// It was followed while the session ran, rather than fetched at its end.
    public internal(set) var isFromFollowing = false

    /// Collects the facts.
    public init(artifact: String, path: String, bytes: UInt64, complete: Bool) {
        self.artifact = artifact
        self.path = path
        self.bytes = bytes
        self.complete = complete
    }
}

/// The folder of downloads that are not in a pack yet: `spool/<escaped session>/`.
///
/// In it, `session.json` says whose they are, and each download lies under its artifact's escaped name, the time at
/// which it began, so that no try writes over another, and `.part` while it arrives, `.complete` or `.cut` once it is synced. Recovery needs nothing else.
struct Spool: Sendable {
    /// What `session.json` holds.
    struct Manifest: Codable, Sendable {
        var facts: SessionFacts
        var artifacts: [String]
    }

    /// What an interrupted run left of one session.
    struct Leftovers: Sendable {
        var folder: String
        var manifest: Manifest
        var files: [SpooledFile]
    }

    static let manifestName = "session.json"
    /// Begins with a dot, which no escaped session id does.
    static let quarantineName = ".quarantine"

    let folder: String
    let liveRoot: String

    init(store: String) {
        folder = store + "/spool"
        liveRoot = store + "/live"
    }

    func folder(of key: String) -> String { folder + "/" + PackPath.escaped(key) }

    /// The name under which a download arrives.
    func arriving(_ key: String, _ artifact: String, at time: Int64) -> String {
        "\(folder(of: key))/\(PackPath.escaped(artifact)).\(time).part"
    }

    /// Makes a session's folder and its manifest, both durable, before its first byte arrives.
    func prepare(_ key: String, _ manifest: Manifest) throws {
        let path = folder(of: key)
        try StoreFolder.make(path)
        try writeManifest(manifest, in: path)
        try StoreFolder.sync(path)
        try StoreFolder.sync(folder)
    }

    /// Writes whose files a folder holds, all or nothing.
    func writeManifest(_ manifest: Manifest, in path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = [UInt8](try encoder.encode(manifest))
        let name = path + "/" + Spool.manifestName
        let descriptor = open(name + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemFailure.last("open", name) }
        defer { close(descriptor) }
        try Spool.write(bytes.withUnsafeBytes { Array($0) }[...], to: descriptor, name)
        guard fdatasync(descriptor) == 0 else { throw SystemFailure.last("fdatasync", name) }
        guard rename(name + ".part", name) == 0 else { throw SystemFailure.last("rename", name) }
    }

    /// Gives a download that has arrived its lasting name.
    func keep(_ arriving: String, complete: Bool) throws -> String {
        let name = arriving.dropLast(".part".count) + (complete ? ".complete" : ".cut")
        guard rename(arriving, String(name)) == 0 else { throw SystemFailure.last("rename", arriving) }
        if let slash = name.lastIndex(of: "/") { try StoreFolder.sync(String(name[..<slash])) }
        return String(name)
    }

    /// Removes files that are in a pack now, or that nobody needs.
    func remove(_ paths: [String]) { for path in paths { unlink(path) } }

    /// Removes a session's folder and everything in it.
    func drop(_ key: String, live: Bool = true) {
        Spool.removeFolder(folder(of: key))
        if live { Spool.removeFolder(liveFolder(of: key)) }
    }

    /// Puts a session's downloads aside for an engineer to look at; they are not tried again.
    ///
    /// - Returns: Where they lie now.
    func quarantine(_ key: String) throws -> String {
        let place = folder + "/" + Spool.quarantineName
        try StoreFolder.make(place)
        let name = PackPath.escaped(key)
        for number in 0..<1000 {
            let target = "\(place)/\(name)" + (number == 0 ? "" : ".\(number)")
            if rename(folder + "/" + name, target) == 0 {
                try StoreFolder.sync(place)
                return target
            }
            guard errno == ENOTEMPTY || errno == EEXIST else { throw SystemFailure.last("rename", folder + "/" + name) }
        }
        throw SystemFailure(call: "rename", path: place, code: EEXIST)
    }

    /// Everything an interrupted run left. A folder without a readable manifest never got a whole byte and is removed.
    func leftovers() -> [Leftovers] {
        var found: [Leftovers] = []
        for name in Spool.names(in: folder) where !name.hasPrefix(".") {
            let path = folder + "/" + name
            guard let manifest = Spool.manifest(path), PackPath.escaped(manifest.facts.session) == name else {
                Spool.removeFolder(path)
                continue
            }
            let files = Spool.files(in: path, of: manifest.artifacts)
            if files.isEmpty { Spool.removeFolder(path) }
            found.append(Leftovers(folder: path, manifest: manifest, files: files))
        }
        return found.filter { !$0.files.isEmpty }
    }

    private static func files(in path: String, of artifacts: [String]) -> [SpooledFile] {
        let byName = Dictionary(artifacts.map { (PackPath.escaped($0), $0) }, uniquingKeysWith: { $1 })
        return names(in: path).sorted().compactMap { name in
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count >= 3, let ending = parts.last, Int(parts[parts.count - 2]) != nil else { return nil }
            let stem = parts.dropLast(2).joined(separator: ".")
            guard let artifact = byName[stem], ["part", "cut", "complete"].contains(ending) else { return nil }
            var facts = stat()
            guard lstat(path + "/" + name, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG,
                facts.st_size > 0 || ending == "complete"
            else {
                return nil
            }
            var name = name
            if ending == "part" {
                // Whoever was killed here had this much; under its lasting name no later try writes over it.
                let lasting = name.dropLast(".part".count) + ".cut"
                guard rename(path + "/" + name, path + "/" + lasting) == 0 else { return nil }
                name = String(lasting)
            }
            var file = SpooledFile(
                artifact: artifact, path: path + "/" + name, bytes: UInt64(facts.st_size),
                complete: ending == "complete")
            // Copies of followed logs carry the number of their generation where downloads carry a time.
            file.isFromFollowing = Int(parts[parts.count - 2]).map { $0 < LiveLog.mostGenerations } ?? false
            return file
        }
    }

    static func manifest(_ path: String) -> Manifest? {
        guard let data = try? Data(contentsOf: URL(filePath: path + "/" + manifestName)), data.count < 1 << 22 else {
            return nil
        }
        return try? JSONDecoder().decode(Manifest.self, from: data)
    }

    static func names(in path: String) -> [String] {
        guard let handle = opendir(path) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func removeFolder(_ path: String) {
        for name in names(in: path) { unlink(path + "/" + name) }
        rmdir(path)
    }

    /// Writes all of the bytes.
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, _ path: String) throws(SystemFailure) {
        let failure: SystemFailure? = bytes.withUnsafeBytes { write($0, to: descriptor, path) }
        if let failure { throw failure }
    }

    /// Writes all of the bytes; returns what went wrong.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String) -> SystemFailure? {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                return SystemFailure.last("write", path)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return nil
    }
}
