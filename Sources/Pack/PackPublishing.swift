public import Files
import Glibc

/// Moves a finished pack to its final path: by rename within one file system, otherwise by copying.
extension PackFile {
    /// Publishes a finished pack: syncs `temporary`, renames it to `path`, syncs the folder.
    ///
    /// A pack folder may be a link to another disk. Across file systems, the pack is copied into the folder under a
    /// hidden name, synced and renamed there, and `temporary` is removed. After the call returns, the pack survives a
    /// power cut; if the call is interrupted, the file at `path` is unchanged. A failed sync is final: the file must be
    /// written again from its sources, because the kernel may have dropped the pages.
    public static func publish(_ temporary: String, to path: String) throws(PackError) {
        let source = open(temporary, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw .system(errno, "open the new pack", path: temporary) }
        defer { close(source) }
        guard fsync(source) == 0 else { throw .system(errno, "sync the new pack", path: temporary) }
        if rename(temporary, path) == 0 { return try syncFolder(of: path) }
        guard errno == EXDEV else { throw .system(errno, "rename the new pack", path: path) }
        let (folder, name) = Folders.split(path)
        try publishCopy(of: source, in: try PackError.wrap(try OpenFolder(path: folder)), as: name)
        unlink(temporary)
    }

    private static func publishCopy(
        of source: Int32, in folder: OpenFolder, as name: String
    ) throws(PackError) {
        let hidden = StorePacks.unfinishedName(of: name)
        _ = try PackError.wrap(try folder.remove(hidden))
        do throws(PackError) {
            let copy = try PackError.wrap(try folder.createFile(hidden))
            defer { close(copy) }
            try copyAll(of: source, to: copy)
            guard fsync(copy) == 0 else {
                throw .system(errno, "sync the new pack", path: folder.path + "/" + hidden)
            }
            try PackError.wrap(try folder.replace(name, with: hidden))
        } catch {
            // If it cannot be removed now, the next harvest removes it.
            _ = try? folder.remove(hidden)
            throw error
        }
        try PackError.wrap(try folder.sync())
    }

    private static func copyAll(of source: Int32, to copy: Int32) throws(PackError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var offset: UInt64 = 0
        while true {
            let count = try read(source, at: offset, into: buffer)
            guard count > 0 else { break }
            try write(copy, UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: offset)
            offset += UInt64(count)
        }
        guard try size(source) == offset else { throw PackError(.io, "the new pack changed while copied") }
    }

    /// Syncs the folder that holds `path`, so that its entry survives a power cut.
    public static func syncFolder(of path: String) throws(PackError) {
        try PackError.wrap(try Folders.sync(Folders.split(path).folder))
    }
}

/// A pack being copied to a folder on another disk has a hidden name until the copy is complete.
extension StorePacks {
    /// The name of a pack while this process copies it.
    static func unfinishedName(of pack: String) -> String { ".\(pack).\(getpid())" }

    /// The id of the process that made this unfinished copy; nil when the name is not one of an unfinished copy.
    private static func owner(ofUnfinished name: String) -> pid_t? {
        guard name.hasPrefix("."), let dot = name.lastIndex(of: "."), name[..<dot].hasSuffix(PackPath.suffix),
            let owner = pid_t(name[name.index(after: dot)...]), owner > 0
        else { return nil }
        return owner
    }

    /// Whether a file's name is that of an unfinished pack, which readers ignore.
    public static func isUnfinished(_ name: String) -> Bool { owner(ofUnfinished: name) != nil }

    /// Removes the unfinished copies of dead processes from one folder.
    static func removeUnfinished(in folder: OpenFolder) {
        // Files that cannot be listed or removed now can wait: readers ignore them.
        for name in (try? folder.names())?.compactMap(\.text) ?? [] {
            guard let owner = owner(ofUnfinished: name), owner != getpid(), kill(owner, 0) != 0, errno == ESRCH else {
                continue
            }
            _ = try? folder.remove(name)
        }
    }

    /// Removes the unfinished copies of dead processes from every day's folder that is on another file system than
    /// `spool`, where new packs are written.
    public static func removeUnfinished(store: String, spool: OpenFolder) {
        guard let device = try? FileIdentity(of: spool.descriptor).device else { return }
        // A folder that cannot be read now is cleaned up later.
        try? visitDays(
            store: store, trouble: { _ in },
            day: { folder, _ in
                if (try? FileIdentity(of: folder.descriptor).device) != device { removeUnfinished(in: folder) }
            })
    }
}
