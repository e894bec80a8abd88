public import Files
internal import Glibc
public import Pack

/// Publishing moves a finished pack to its final path: by rename within one file system, otherwise by copying.
extension FolderPackHome {
    /// Creates the folder of a pack, with mode 0700.
    public func prepare(_ path: String) throws(PackError) {
        try require(path)
        try PackError.wrap(
            try Folders.make(Folders.split(store + "/" + path).folder, below: store) { (made) throws(FileFailure) in
                try Folders.sync(Folders.split(made).folder)
            })
    }

    /// Syncs the file, renames it to its path and syncs the folder.
    ///
    /// The folder of a day may be a link to another disk. Across file systems, the file is copied into the folder under a
    /// hidden name, synced and renamed there.
    public func publish(_ file: String, as path: String) throws(PackError) {
        try require(path)
        let source = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw PackError(.last("open the new pack", file)) }
        defer { close(source) }
        guard fsync(source) == 0 else { throw PackError(.last("sync the new pack", file)) }
        let target = store + "/" + path
        var attempts = 0
        while true {
            attempts += 1
            try prepare(path)
            if rename(file, target) == 0 { break }
            switch errno {
            // A prune has just removed the folder with the last pack in it.
            case ENOENT where attempts < 3: continue
            case EXDEV:
                let (folder, name) = Folders.split(target)
                do throws(PackError) {
                    lseek(source, 0, SEEK_SET)
                    try Self.copy(source, into: try PackError.wrap(try OpenFolder(path: folder)), as: name)
                } catch {
                    // A prune has just removed the folder, as above.
                    guard error.isAbsence, attempts < 3 else { throw error }
                    continue
                }
                unlink(file)
                return
            default: throw PackError(.last("rename the new pack", target))
            }
        }
        try PackError.wrap(try Folders.sync(Folders.split(target).folder))
    }

    private static func copy(_ source: Int32, into folder: OpenFolder, as name: String) throws(PackError) {
        let hidden = unfinishedName(of: name)
        do throws(FileFailure) {
            try folder.remove(hidden)
            do throws(FileFailure) {
                let copy = try folder.createFile(hidden)
                defer { close(copy) }
                let size = try Descriptor.size(source)
                guard try Descriptor.copy(source, "", to: copy, folder.path + "/" + hidden) == size else {
                    throw FileFailure("copy the new pack, which changed meanwhile", "", errno: EIO)
                }
                try Descriptor.sync(copy, path: folder.path + "/" + hidden)
                try folder.replace(name, with: hidden)
            } catch {
                // If it cannot be removed now, the next harvest removes it.
                _ = try? folder.remove(hidden)
                throw error
            }
            try folder.sync()
        } catch {
            throw PackError(error)
        }
    }

    // MARK: Unfinished copies

    /// The name of a pack while this process copies it.
    static func unfinishedName(of pack: String) -> String { ".\(pack).\(getpid())" }

    /// The id of the process that made this unfinished copy; nil when the name is not one of an unfinished copy.
    private static func owner(ofUnfinished name: String) -> pid_t? {
        guard name.hasPrefix("."), let dot = name.lastIndex(of: "."), name[..<dot].hasSuffix(PackPath.suffix),
            let owner = pid_t(name[name.index(after: dot)...]), owner > 0
        else { return nil }
        return owner
    }

    /// Whether a file's name is that of an unfinished pack, which readers ignore and a backup leaves out.
    public static func isUnfinished(_ name: String) -> Bool { owner(ofUnfinished: name) != nil }

    /// Removes the unfinished copies of dead processes from every day's folder that is on another file system than
    /// `folder`: on the same one, packs are renamed and never copied.
    public func removeUnfinished(writtenIn folder: OpenFolder) {
        guard let device = try? FileIdentity(of: folder.descriptor).device else { return }
        // A folder that cannot be read now is cleaned up later.
        try? visitDays(
            trouble: { _ in },
            day: { day, _ in
                guard (try? FileIdentity(of: day.descriptor).device) != device else { return }
                // Files that cannot be listed or removed now can wait: readers ignore them.
                for name in (try? day.names())?.compactMap(\.text) ?? [] {
                    guard let owner = Self.owner(ofUnfinished: name), owner != getpid(), kill(owner, 0) != 0,
                        errno == ESRCH
                    else { continue }
                    _ = try? day.remove(name)
                }
            })
    }
}
