import Catalog
import Glibc
import Harvest
import Terminal

/// Finds the store and the configuration that a command works with.
enum StoreAccess {
    /// The store's folder: `--store`, `SALVAGE_STORE`, `store:` in the config, else `./storage`.
    ///
    /// The config is read only when neither flag nor environment decides, so that queries need not parse YAML.
    static func path(_ options: GlobalOptions) throws -> String {
        if let store = options.store { return trimmed(store) }
        if let store = Environment.value("SALVAGE_STORE"), !store.isEmpty { return trimmed(store) }
        if let store = try configuration(options).store { return trimmed(store) }
        return "./storage"
    }

    /// The store's folder for a command that writes: made, readable by its owner only, where it is missing.
    static func createdPath(_ options: GlobalOptions) throws -> String {
        let store = try path(options)
        try makeFolders(store)
        return store
    }

    /// Makes a folder and its parents, each readable by its owner only.
    static func makeFolders(_ path: String) throws {
        var partial = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
            if mkdir(partial, 0o700) != 0, errno != EEXIST {
                throw Failure(
                    "store_failed", "cannot create a folder: \(String(cString: strerror(errno)))", path: partial)
            }
        }
    }

    /// The catalog, for queries: nothing is created or changed.
    static func catalogForReading(_ options: GlobalOptions) throws -> Catalog {
        try Catalog.open(store: try path(options), readOnly: true)
    }

    /// The configuration: `--config`, `SALVAGE_CONFIG`, `./salvage.yaml`, `$XDG_CONFIG_HOME/salvage/salvage.yaml`,
    /// `/etc/salvage/salvage.yaml`; the defaults where none of them exists.
    static func configuration(_ options: GlobalOptions) throws -> Configuration {
        if let named = options.config ?? Environment.value("SALVAGE_CONFIG"), !named.isEmpty {
            return try read(named)
        }
        let home = Environment.value("XDG_CONFIG_HOME") ?? Environment.value("HOME").map { $0 + "/.config" }
        let candidates = ["./salvage.yaml"] + (home.map { ["\($0)/salvage/salvage.yaml"] } ?? [])
        for candidate in candidates + ["/etc/salvage/salvage.yaml"] where access(candidate, F_OK) == 0 {
            return try read(candidate)
        }
        return Configuration()
    }

    private static func read(_ path: String) throws -> Configuration {
        try Configuration.parse(try SmallFile.text(path, limit: 2 << 20, what: "the configuration"), file: path)
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

/// Reads files that fit in memory.
enum SmallFile {
    /// The file as text; an error names `what` it was to be.
    static func text(_ path: String, limit: Int, what: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Failure("unreadable", "cannot read \(what): \(String(cString: strerror(errno)))", path: path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else {
                throw Failure("unreadable", "cannot read \(what): \(String(cString: strerror(errno)))", path: path)
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        guard bytes.count <= limit else {
            throw Failure("too_large", "\(what) is larger than \(limit) bytes", path: path)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("not_text", "\(what) is not UTF-8 text", path: path)
        }
        return text
    }
}
