internal import Clocks
internal import Files
internal import Glibc
internal import Pack
internal import Synchronization

/// Files with parts of packs, and whole packs, in a folder that several processes use at once.
///
/// There is no index: a file's name says which part of which pack it has, its header and checksum say whether that is
/// true. A file appears by renaming and may vanish at any time. Nothing is synced: what a power cut leaves is dropped when
/// it is read. No call throws: without the cache, packs are read from their home.
final class PackCache: Sendable {
    /// A file is read as new as this after it was used, in milliseconds: more often would cost a write for each read.
    private static let freshness: Int64 = 3_600_000

    let folder: String
    private let root: String
    /// The most bytes that files may take.
    let most: UInt64
    /// The size of a part in bytes; parts begin at its multiples.
    let part: Int
    /// What the cache leaves free on its file system, in bytes.
    private let reserve: UInt64
    let counters = CacheCounters()

    init(root: String, most: UInt64, part: Int, reserve: UInt64) {
        self.root = root
        folder = root + "/cache/packs"
        self.most = most
        self.part = part
        self.reserve = reserve
    }

    /// The most bytes that are written without making room in between.
    var largestWrite: UInt64 { most / 16 }

    func path(_ key: CacheKey, _ name: String) -> String { "\(folder)/\(key.folder)/\(key.stem)\(name)" }

    // MARK: Reading

    /// The pack's last bytes, with its stamp; nil without a sound copy. With a stamp, only of that pack.
    func end(of key: CacheKey, _ stamp: CacheStamp?) -> CacheFile? {
        guard let file = read(key, "end", limit: PackBytes.endSize) else { return nil }
        let count = min(file.stamp.size, UInt64(PackBytes.endSize))
        guard stamp == nil || file.stamp == stamp, UInt64(file.content.count) == count,
            file.offset == file.stamp.size - count
        else {
            drop(key, "end")
            return nil
        }
        return file
    }

    /// A part of a pack; nil without a sound copy.
    func part(_ number: UInt64, of key: CacheKey, _ stamp: CacheStamp) -> ArraySlice<UInt8>? {
        guard let file = read(key, String(number), limit: part) else { return nil }
        let range = range(ofPart: number, size: stamp.size)
        guard file.stamp == stamp, file.offset == range.lowerBound, file.content.count == range.count else {
            drop(key, String(number))
            return nil
        }
        return file.content
    }

    /// Where a part is in a pack of a size; empty behind its end.
    func range(ofPart number: UInt64, size: UInt64) -> Range<UInt64> {
        let start = min(number * UInt64(part), size)
        return start..<min(start + UInt64(part), size)
    }

    func read(_ key: CacheKey, _ name: String, limit: Int) -> CacheFile? {
        do throws(FileFailure) {
            let file = try OpenFile(path(key, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let bytes = try file.read(at: 0, count: CacheFile.headerSize + limit + 1)
            if bytes.count <= CacheFile.headerSize + limit, let found = CacheFile(bytes, of: key) {
                touch(file.descriptor, try file.modified)
                return found
            }
        } catch {
            // A file that is not there is no damage, nor one that cannot be read now.
            return nil
        }
        drop(key, name)
        return nil
    }

    /// Notes the use of a file in its time of change, by which files are evicted.
    func touch(_ descriptor: Int32, _ modified: Int64) {
        if WallClock.now() - modified / 1_000_000 > Self.freshness { futimens(descriptor, nil) }
    }

    // MARK: Writing

    /// Keeps the pack's last bytes; returns whether it did.
    @discardableResult
    func keep(end: [UInt8], of key: CacheKey, _ stamp: CacheStamp) -> Bool {
        keep([("end", stamp.size - UInt64(end.count), end[...])], of: key, stamp)
    }

    /// Keeps parts of a pack; returns whether it kept all.
    func keep(
        _ files: [(name: String, offset: UInt64, content: ArraySlice<UInt8>)], of key: CacheKey, _ stamp: CacheStamp
    ) -> Bool {
        let total = files.reduce(0) { $0 + $1.content.count + CacheFile.headerSize }
        if files.count > 1, UInt64(total) > largestWrite {
            let half = files.count / 2
            return keep(Array(files[..<half]), of: key, stamp) && keep(Array(files[half...]), of: key, stamp)
        }
        guard admit(UInt64(total), files: files.count) else { return false }
        for file in files {
            let bytes = CacheFile(stamp: stamp, offset: file.offset, content: file.content).bytes(of: key)
            do throws(FileFailure) {
                try write(key, file.name) { (made) throws(FileFailure) in try made.write(bytes) }
            } catch {
                counters.refused.add(1, ordering: .relaxed)
                return false
            }
        }
        return true
    }

    /// Writes a file under a name that nobody reads, and renames it.
    func write(
        _ key: CacheKey, _ name: String, _ fill: (OpenFile) throws(FileFailure) -> Void
    ) throws(FileFailure) {
        let parent = "\(folder)/\(key.folder)"
        let unfinished = "\(parent)/\(CacheEviction.unfinished)\(getpid()).\(counters.nextName())"
        let made: OpenFile
        do throws(FileFailure) { made = try OpenFile(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW) } catch {
            guard error.isAbsence else { throw error }
            try Folders.make(parent, below: root)
            made = try OpenFile(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        }
        do throws(FileFailure) {
            try fill(made)
            guard rename(unfinished, path(key, name)) == 0 else { throw .last("rename", unfinished) }
        } catch {
            unlink(unfinished)
            throw error
        }
    }

    /// Whether there is room for more bytes. Makes room first when enough was written since that was last done.
    func admit(_ bytes: UInt64, files: Int) -> Bool {
        guard bytes <= largestWrite else { return false }
        do throws(FileFailure) {
            try Folders.make(folder, below: root)
            guard try Folders.space(folder).free >= bytes + reserve else {
                counters.refused.add(1, ordering: .relaxed)
                return false
            }
            try CacheEviction(self).account(bytes, files: files)
            return true
        } catch {
            counters.refused.add(1, ordering: .relaxed)
            return false
        }
    }

    // MARK: Removing

    private func drop(_ key: CacheKey, _ name: String) {
        unlink(path(key, name))
        counters.dropped.add(1, ordering: .relaxed)
    }

    /// Removes all that is kept of a pack.
    func drop(_ key: CacheKey) {
        guard let folder = try? OpenFolder(path: "\(folder)/\(key.folder)"), let names = try? folder.names() else {
            return
        }
        for name in names.compactMap(\.text) where name.hasPrefix(key.stem) { _ = try? folder.remove(name) }
    }
}

/// What a cache of packs did since it was opened by this process.
public struct PackCacheCounts: Sendable, Equatable {
    /// Parts and packs that were read from it.
    public var hits: UInt64 = 0
    /// Parts and packs that it did not have.
    public var misses: UInt64 = 0
    /// Bytes that were read from it.
    public var hitBytes: UInt64 = 0
    /// Bytes that were read from the packs' home instead.
    public var missBytes: UInt64 = 0
    /// Files that were removed because they were damaged or of another pack.
    public var dropped: UInt64 = 0
    /// Files that were removed to make room.
    public var evicted: UInt64 = 0
    /// How often something was not kept, because the disk was full or not writable.
    public var refused: UInt64 = 0

    /// Creates counts that are zero.
    public init() {}
}

/// The counts of a cache, shared by threads.
final class CacheCounters: Sendable {
    let hits = Atomic<UInt64>(0)
    let misses = Atomic<UInt64>(0)
    let hitBytes = Atomic<UInt64>(0)
    let missBytes = Atomic<UInt64>(0)
    let dropped = Atomic<UInt64>(0)
    let evicted = Atomic<UInt64>(0)
    let refused = Atomic<UInt64>(0)
    private let names = Atomic<UInt64>(.random(in: 0 ... .max))

    func hit(_ bytes: Int) {
        hits.add(1, ordering: .relaxed)
        hitBytes.add(UInt64(bytes), ordering: .relaxed)
    }

    func miss(_ bytes: Int) {
        misses.add(1, ordering: .relaxed)
        missBytes.add(UInt64(bytes), ordering: .relaxed)
    }

    /// A number for the name of an unfinished file. It begins anywhere: a process may have the id of one that was killed.
    func nextName() -> UInt64 { names.wrappingAdd(1, ordering: .relaxed).newValue }

    var counts: PackCacheCounts {
        var counts = PackCacheCounts()
        counts.hits = hits.load(ordering: .relaxed)
        counts.misses = misses.load(ordering: .relaxed)
        counts.hitBytes = hitBytes.load(ordering: .relaxed)
        counts.missBytes = missBytes.load(ordering: .relaxed)
        counts.dropped = dropped.load(ordering: .relaxed)
        counts.evicted = evicted.load(ordering: .relaxed)
        counts.refused = refused.load(ordering: .relaxed)
        return counts
    }
}
