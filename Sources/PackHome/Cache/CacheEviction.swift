internal import Bytes
internal import Clocks
internal import Files
internal import Glibc
internal import Synchronization

/// Keeps a cache below its bound.
///
/// The file `written` has one byte for each 64 KiB that were written since files were last evicted, appended before the
/// write: it counts for all processes, and a kill loses nothing. When it stands for a sixteenth of the bound, one process
/// lists the cache and removes what was not used for longest, until an eighth of the bound is free. No write is larger
/// than a sixteenth. So files do not take more than the bound, apart from what other processes write while one evicts,
/// and the whole cache is listed once for many writes.
struct CacheEviction {
    /// What the names of unfinished files begin with; the process and a number follow.
    static let unfinished = ".part."
    private static let unit: UInt64 = 64 << 10
    /// What a file takes at least, in bytes.
    private static let page: UInt64 = 4 << 10

    private let cache: PackCache

    init(_ cache: PackCache) { self.cache = cache }

    /// Notes that bytes will be written, and evicts if enough were.
    func account(_ bytes: UInt64, files: Int) throws(FileFailure) {
        let written = try OpenFile(cache.folder + "/written", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW)
        let units = (bytes + UInt64(files) * Self.page) / Self.unit + 1
        try written.write([UInt8](repeating: 0x2E, count: Int(min(units, 1 << 20))))
        if try written.size * Self.unit > cache.most / 16 { try evict(written, awaited: units) }
    }

    /// Removes what is too much, and unfinished files of processes that died. Does nothing while another process does it.
    func evict() throws(FileFailure) {
        try Folders.make(cache.folder, below: Folders.split(Folders.split(cache.folder).folder).folder)
        try evict(try OpenFile(cache.folder + "/written", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW), awaited: 0)
    }

    /// - Parameter awaited: how much of `written` stands for bytes that are written after this.
    private func evict(_ written: OpenFile, awaited: UInt64) throws(FileFailure) {
        let lock = try OpenFile(cache.folder + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW)
        guard try lock.tryLock(.exclusive) else { return }
        let before = try written.size
        try removeLeastUsed()
        // What was written meanwhile may have been listed or not.
        let after = try written.size
        try written.truncate(to: min(after, awaited + (after > before ? after - before : 0)))
    }

    private struct File {
        let modified: Int64
        let size: UInt64
        let folder: UInt8
        let name: String
    }

    private func removeLeastUsed() throws(FileFailure) {
        var files: [File] = []
        var total: UInt64 = 0
        let top = try OpenFolder(path: cache.folder)
        for number in UInt8.min ... .max {
            guard let folder = try top.folder(ifPresent: Self.name(number)) else { continue }
            for entry in try folder.entries() where entry.kind == .file {
                let size = (entry.size + Self.page - 1) / Self.page * Self.page
                if entry.name.hasPrefix(Self.unfinished), isAbandoned(entry) {
                    try folder.remove(entry)
                    continue
                }
                total += size
                files.append(File(modified: entry.modified, size: size, folder: number, name: entry.name))
            }
        }
        let bound = cache.most / 8 * 7
        guard total > bound else { return }
        files.sort { $0.modified < $1.modified }
        for file in files {
            guard total > bound else { break }
            unlink("\(cache.folder)/\(Self.name(file.folder))/\(file.name)")
            cache.counters.evicted.add(1, ordering: .relaxed)
            total -= file.size
        }
    }

    private static func name(_ folder: UInt8) -> String { Hex.padded(folder) }

    /// Whether an unfinished file belongs to no living process of this machine, or is too old for one that writes.
    private func isAbandoned(_ entry: OpenFolder.Entry) -> Bool {
        let hour: Int64 = 3_600_000
        if WallClock.now() - entry.modified / 1_000_000 > hour { return true }
        let parts = entry.name.split(separator: ".")
        guard parts.count == 3, let owner = pid_t(parts[1]), owner > 0 else { return true }
        return kill(owner, 0) != 0 && errno == ESRCH
    }
}
