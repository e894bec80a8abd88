internal import Files
internal import Glibc
public import Pack

/// Packs as files below a store's folder `packs`, one folder for each year, month and day.
///
/// A link to a folder may replace the folder of a year, a month or a day, and `packs` itself: its administrator chose it,
/// and it is followed. A pack is published by renaming, which replaces the pack at the same path.
public struct FolderPackHome: PackHome {
    /// The store's folder, without a slash at its end.
    let store: String

    /// Names the home of a store's folder. Nothing is read or created.
    public init(store: String) { self.store = store }

    /// The path of the folder of packs.
    public var location: String { store + "/" + PackPath.folder }

    /// A session's next generation replaces the one before.
    public var reusesPaths: Bool { true }

    // MARK: One pack

    /// Whether a pack exists. Only `ENOENT` and `ENOTDIR` count as absence, and not behind a broken link.
    public func presence(of path: String) -> PackPresence {
        do throws(PackError) {
            guard let (folder, name) = try place(of: path), let entry = try PackError.wrap(try folder.entry(name))
            else {
                return .absent
            }
            guard entry.kind == .link else { return .present(StoredPack(entry, path: path)) }
            guard let target = try PackError.wrap(try folder.entry(name, followingLink: true)) else {
                return .unknown(PackError(.io, "the link is broken; is its disk mounted?", path: path))
            }
            return .present(StoredPack(target, path: path))
        } catch {
            return .unknown(error)
        }
    }

    /// Opens a pack's file for reading at offsets.
    public func bytes(of path: String) throws(PackError) -> PackBytes {
        try require(path)
        let file = store + "/" + path
        do throws(PackError) { return try PackBytes(path: file) } catch {
            guard error.isAbsence else { throw error }
            switch presence(of: path) {
            case .absent: throw error
            case .unknown(let reason): throw reason
            // Published since.
            case .present: return try PackBytes(path: file)
            }
        }
    }

    /// Opens a pack's file.
    public func localCopy(of path: String) throws(PackError) -> LocalPack {
        guard let (folder, name) = try place(of: path), let entry = try PackError.wrap(try folder.entry(name)) else {
            throw PackError(FileFailure("open the pack", path, errno: ENOENT))
        }
        guard entry.kind == .file || entry.kind == .link else { throw PackError(.io, "it is not a file", path: path) }
        let descriptor: Int32
        do throws(FileFailure) { descriptor = try folder.openFile(name, followingLink: true) } catch {
            // The entry exists: most likely a broken link to a disk that is not mounted.
            throw PackError(.io, error.message, path: path)
        }
        do throws(FileFailure) {
            return LocalPack(descriptor: descriptor, identity: PackIdentity(try FileIdentity(of: descriptor)))
        } catch {
            close(descriptor)
            // It is open, so it exists, whatever number a network file system gives.
            throw PackError(.io, error.message, path: path)
        }
    }

    /// Removes a pack's file, and the folders of its day, month and year if it was their last. A link in place of such a
    /// folder stays.
    @discardableResult
    public func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
        guard let (folder, name) = try place(of: path) else { return .nothing }
        if let identity {
            let entry = try PackError.wrap(try folder.entry(name, followingLink: true))
            guard let entry, PackIdentity(entry.identity) == identity else { return .nothing }
        }
        let isRemoved = try PackError.wrap(try folder.remove(name))
        return PackRemoval(isRemoved: isRemoved, emptiedDay: removeEmptyFolders(of: path))
    }

    /// Removes the empty folders above a pack; returns whether the lowest was removed.
    private func removeEmptyFolders(of path: String) -> Bool {
        var folder = Folders.split(path).folder
        var levels = 0
        while levels < 3, folder.utf8.contains(UInt8(ascii: "/")) {
            let (parent, name) = Folders.split(folder)
            // One that cannot be removed now is harmless.
            guard let open = try? OpenFolder(path: store + "/" + parent), (try? open.removeFolder(name)) == true else {
                break
            }
            levels += 1
            folder = parent
        }
        return levels > 0
    }

    /// Renames a damaged pack to `<name>.pack.damaged-<number>`, in its folder.
    public func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
        guard let (folder, name) = try place(of: path) else {
            throw PackError(.io, "the folder of a pack to be set aside no longer exists", path: path)
        }
        let parent = Folders.split(path).folder + "/"
        for number in 1..<10_000 {
            let aside = String(name.dropLast(PackPath.suffix.utf8.count)) + PackPath.asideMark + String(number)
            if let there = try PackError.wrap(try folder.entry(aside)) {
                // An interrupted call has done this already.
                if PackIdentity(there.identity) == pack.identity { return parent + aside }
                continue
            }
            if try PackError.wrap(try Self.rename(name, aside, in: folder, keepsName: keepsPath)) {
                try PackError.wrap(try folder.sync())
                return parent + aside
            }
        }
        throw PackError(.io, "too many packs of one session were set aside", path: path)
    }

    private static func rename(
        _ name: String, _ aside: String, in folder: OpenFolder, keepsName: Bool
    ) throws(FileFailure) -> Bool {
        guard keepsName else {
            try folder.move(name, to: folder, as: aside)
            return true
        }
        do throws(FileFailure) { return try folder.link(name, as: aside) } catch {
            // Not every file system has hard links. Without them, the name is unused until the new pack takes it.
            guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(error.errno) else { throw error }
            try folder.move(name, to: folder, as: aside)
            return true
        }
    }

    // MARK: Places

    func require(_ path: String) throws(PackError) {
        guard PackPath.isPlace(path) else {
            throw PackError(.outOfRange, "the path is not that of a pack below \(PackPath.folder)/", path: path)
        }
    }

    /// Opens the folder of a pack and returns it with the pack's name in it; nil when the folder does not exist.
    ///
    /// - Throws: `PackError` when a folder cannot be opened, a link in the path is broken, or the path is not a pack's.
    private func place(of path: String) throws(PackError) -> (folder: OpenFolder, name: String)? {
        try require(path)
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard let name = parts.last else { return nil }
        var open: OpenFolder
        do throws(FileFailure) { open = try OpenFolder(path: store) } catch {
            // Without the store nothing is known about its packs.
            throw PackError(.io, "the store cannot be opened: \(error.reason)", path: store)
        }
        for part in parts.dropLast() {
            do throws(FileFailure) {
                open = try open.folder(part, followingLink: true)
            } catch {
                guard error.isAbsence else { throw PackError(error) }
                if try PackError.wrap(try open.entry(part))?.kind == .link {
                    throw PackError(
                        .io, "the link \(open.path)/\(part) is broken; is its disk mounted?", path: path)
                }
                return nil
            }
        }
        return (open, name)
    }
}

extension StoredPack {
    /// A file at a pack's path.
    init(_ entry: OpenFolder.Entry, path: String, isBehindLink: Bool = false) {
        self.init(
            path: path, size: entry.size, modified: entry.modified, identity: PackIdentity(entry.identity),
            isBehindLink: isBehindLink)
    }
}
