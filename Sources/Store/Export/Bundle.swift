import Files
import Glibc
import Tar

/// Packs an exported folder into one archive, to attach to a ticket.
enum Bundle {
    /// Refuses a folder beside which no archive can be made, or of which only a link would be removed.
    static func check(_ folder: String) throws(StoreError) {
        let (parent, name) = Folders.split(folder)
        var facts = stat()
        let isLink = lstat(parent + "/" + name, &facts) == 0 && facts.st_mode & S_IFMT == S_IFLNK
        guard name != ".", name != "..", !isLink else {
            throw StoreError(
                .bundleFailed, "a bundle needs a folder with a name of its own", path: folder,
                hint: "name a folder that does not exist yet")
        }
    }

    /// Packs the folder into `FOLDER.tar.gz`, removes the folder and returns the archive's path. On failure the folder
    /// stays and there is no archive.
    static func make(folder: String) throws -> String {
        var base = folder[...]
        // An archive in the folder would be removed with it.
        while base.utf8.count > 1, base.utf8.last == UInt8(ascii: "/") { base = base.dropLast() }
        let target = String(base) + ".tar.gz"
        var options = FolderArchive.Options()
        options.ownedByRoot = true
        options.isSynced = true
        do throws(FileFailure) {
            _ = try FolderArchive.write(folder: folder, to: target, compressed: true, options: options)
        } catch {
            guard error.errno != EEXIST else {
                throw StoreError(
                    .exists, "the bundle already exists", path: target, hint: "remove it or choose another --to")
            }
            throw StoreError(
                .bundleFailed, "cannot write the bundle: cannot \(error.description)", path: target,
                hint: error.isFull ? "free space, or export fewer members with --path" : nil)
        }
        do throws(FileFailure) {
            try Folders.sync(Folders.split(target).folder)
            try Folders.removeTree(folder)
        } catch {
            throw StoreError(
                .bundleFailed, "the bundle is complete, but its folder cannot be removed: \(error.reason)", path: folder
            )
        }
        return target
    }
}
