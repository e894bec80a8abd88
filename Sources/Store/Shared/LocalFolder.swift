import Bytes
import Catalog
import Digest
import Files
import Glibc
import Model
import Terminal
import Text

/// This machine's folder of a shared store: its spool and followed logs, and copies of what the bucket has. Logs and dumps
/// contain private data, and what others could write there would be taken for the store's.
enum LocalFolder {
    /// Where the folder is: as configured, or `$CACHE_DIRECTORY`, or a folder of its own for each database in
    /// `$XDG_CACHE_HOME/salvage` or `~/.cache/salvage`. Looks at nothing but the environment.
    ///
    /// - Throws: ``StoreError`` with `cacheRefused` if none of these is known.
    static func path(
        for address: SharedStoreAddress, environment value: (String) -> String? = Environment.value
    ) throws(StoreError) -> String {
        func known(_ name: String) -> String? {
            value(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if let path = address.cache { return path }
        // systemd lists several folders with colons between them.
        if let folders = known("CACHE_DIRECTORY"), let first = folders.split(separator: ":").first {
            return String(first)
        }
        guard let base = known("XDG_CACHE_HOME") ?? known("HOME").map({ $0 + "/.cache" }) else {
            throw StoreError(
                .cacheRefused, "nothing says where this machine keeps its copies of the shared store: HOME is not set",
                hint: "set store: {cache: {path: /var/cache/salvage}} in the configuration")
        }
        return "\(base)/salvage/\(try name(of: address))"
    }

    /// A name that tells databases apart: spool and followed logs belong to one of them.
    private static func name(of address: SharedStoreAddress) throws(StoreError) -> String {
        do throws(StoreAddressProblem) {
            let database = try CatalogURI(address.catalog).database
            let last = database.prefix { $0 != "?" }.split(separator: "/").last ?? ""
            let word = last.prefix(32).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            return "\(word)-\(Hex.text(SHA256.digest(database.utf8).prefix(6)))"
        } catch {
            throw StoreError(
                .unsupportedStore, "the catalog's address \(error.message)", hint: error.fix, kind: .invalid)
        }
    }

    /// Creates the folder, accessible to its owner only, or checks the one that is there.
    ///
    /// - Throws: ``StoreError`` with `storeFailed` if it cannot be created or looked at, and `cacheRefused` if others can
    ///   read or write it.
    static func make(_ path: String) throws(StoreError) {
        do throws(FileFailure) { try Folders.make(path) } catch {
            throw StoreError(
                .storeFailed, "cannot create this machine's folder of the shared store: \(error.reason)",
                path: error.path,
                hint: "set store: {cache: {path: …}} in the configuration to a folder that this user may write")
        }
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw StoreError(FileFailure.last("stat", path))
        }
        if let problem = complaint(facts) {
            throw StoreError(
                .cacheRefused, "this machine's folder of the shared store \(problem.why)", path: path,
                hint: problem.hint(path))
        }
    }

    /// The name of the file that says whose folder it is.
    private static let owner = "store-id"

    /// Notes which store the folder is for, and refuses it for another one: downloads in its spool would be packed there.
    ///
    /// - Throws: `CatalogError` with `cacheRefused`, or `io` if the note cannot be read or written.
    static func claim(_ path: String, for store: String) throws(CatalogError) {
        let note = path + "/" + owner
        var other: String?
        do throws(FileFailure) {
            do throws(FileFailure) {
                let bytes = try OpenFile(note, O_RDONLY | O_NONBLOCK | O_NOFOLLOW).read(at: 0, count: 128)
                other = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
            } catch {
                guard error.isAbsence else { throw error }
            }
            guard let other else { return try Replacement.write(Array((store + "\n").utf8), to: note) }
            guard !other.hasSameBytes(as: store) else { return }
        } catch {
            throw CatalogError(StoreError(error))
        }
        throw CatalogError(
            code: CatalogError.Code(rawValue: StoreError.Code.cacheRefused.rawValue),
            message: "this machine's folder of the shared store was used for another store "
                + "(\(other ?? ""), not \(store))", path: path,
            hint: "set store: {cache: {path: …}} in the configuration to another folder; if a new database was created "
                + "for the same bucket, remove \(note)")
    }

    /// Why the folder must not be used; nil if it may.
    static func complaint(_ facts: stat) -> (why: String, hint: (String) -> String)? {
        guard facts.st_uid == geteuid() else {
            return (
                "belongs to user id \(facts.st_uid), not to \(geteuid())",
                { _ in
                    "run salvage as its owner, or set store: {cache: {path: …}} in the configuration to a folder of your own"
                }
            )
        }
        guard facts.st_mode & 0o027 != 0 else { return nil }
        let mode = String(facts.st_mode & 0o777, radix: 8)
        return (
            "can be read or changed by other users (mode \(mode)); it has logs and dumps",
            { path in "chmod 700 \(path); with systemd, set CacheDirectoryMode=0700" }
        )
    }
}
