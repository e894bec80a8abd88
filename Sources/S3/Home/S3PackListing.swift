internal import Clocks
public import Files
internal import Glibc
public import Pack
public import PackHome
internal import Text

extension S3PackHome {
    /// Lists the objects below `packs/`.
    public func list() -> PackListing {
        var listing = PackListing()
        listing.isEmpty = true
        do throws(PackError) {
            try visit(PackPath.folder + "/") { object in
                listing.isEmpty = false
                let names = object.key.split(separator: "/", omittingEmptySubsequences: false)
                // Hidden names are nobody's packs, as in a folder.
                guard let name = names.last, !names.contains(where: { $0.hasPrefix(".") }) else { return }
                if PackPath.isPlace(object.key) {
                    listing.packs.append(StoredPack(object))
                } else if name.contains(PackPath.asideMark) {
                    listing.aside.append(StoredPack(object))
                }
            }
        } catch {
            listing.troubles.append(.init(path: PackPath.folder, message: error.message))
        }
        listing.packs.sort { $0.path < $1.path }
        listing.aside.sort { $0.path < $1.path }
        return listing
    }

    /// The paths of a session's packs: with a path on its day, all generations on that day, in one request as long as
    /// fewer than 1,000 keys begin with its name; without, on all days, by listing the whole bucket.
    public func paths(of session: String, from first: String?) throws(PackError) -> [String] {
        var prefix = PackPath.folder + "/"
        if let first {
            try require(first)
            let name = PackPath.fileName(session: session)
            prefix = PackPath.generations(Folders.split(first).folder + "/" + name)
        }
        var found: [String] = []
        try visit(prefix) { object in
            if PackPath.isPlace(object.key, of: session) { found.append(object.key) }
        }
        return found
    }

    /// Aborts uploads of packs that began more than a day ago, and removes copies of dead processes of this machine.
    public func removeUnfinished(writtenIn folder: OpenFolder) {
        LocalCopyName.removeAbandoned(in: localCopies)
        // What cannot be listed or aborted now costs only space, and the bucket's lifecycle rule ends it.
        let day: Int64 = 86_400_000
        let latest = (WallClock.now() - day) * 1_000_000
        for upload in (try? client.unfinishedUploads(PackPath.folder + "/")) ?? []
        where upload.begun > 0 && upload.begun < latest {
            try? client.abort(upload)
        }
    }
}

extension StoredPack {
    /// An object at a pack's path.
    init(_ object: S3Object) {
        // A listing tells milliseconds, other answers only seconds.
        let second: Int64 = 1_000_000_000
        self.init(
            path: object.key, size: object.size, modified: object.modified / second * second,
            identity: PackIdentity(object))
    }
}

/// Names of files that exist only until they are open.
enum LocalCopyName {
    private static let prefix = ".copy."

    /// A new name.
    static func make() -> String { "\(prefix)\(getpid()).\(UInt64.random(in: 0 ... .max))" }

    /// Removes files of processes that died between creating and removing one.
    static func removeAbandoned(in folder: String) {
        guard let open = try? OpenFolder(path: folder), let names = try? open.names() else { return }
        for name in names.compactMap(\.text) where name.hasPrefix(prefix) {
            let parts = name.split(separator: ".")
            guard parts.count == 3, let owner = pid_t(parts[1]), owner > 0, kill(owner, 0) != 0, errno == ESRCH else {
                continue
            }
            _ = try? open.remove(name)
        }
    }
}
