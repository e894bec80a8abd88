public import Files
public import Pack

/// A home that keeps copies of what is read from another home, in the store's local folder.
///
/// It keeps parts of packs in fixed places, the end of each pack that was opened, and whole packs that were copied, and
/// evicts what was not used for longest. Several processes may share the folder, and each may be killed at any time.
/// A copy is used only if its checksum is right and it is of the pack that is asked for. When the disk is full, packs are
/// read without being kept.
///
/// Where the other home never reuses a path, a pack is opened and read from copies without a request. So a pack that was
/// removed may still be read until its copies are evicted; whether it exists, ``presence(of:)`` and ``list()`` ask the
/// other home, and ``original`` reads there. A home in a folder needs no copies.
public struct CachedPackHome: PackHome {
    private let home: any PackHome
    private let cache: PackCache

    /// Wraps a home. Nothing is read or created.
    ///
    /// - Parameters:
    ///   - home: where the packs are.
    ///   - local: the store's local folder, which must exist for copies to be kept: they are in its folder
    ///     `cache/packs`.
    ///   - most: the most bytes that copies may take; at least 4 MiB for any to be kept.
    ///   - part: the size of parts in bytes.
    ///   - reserve: how many bytes the cache leaves free on its file system.
    public init(
        _ home: any PackHome, local: String, most: UInt64, part: Int = 64 << 10, reserve: UInt64 = 256 << 20
    ) {
        self.home = home
        cache = PackCache(root: local, most: most, part: max(512, part), reserve: reserve)
    }

    /// The other home's name.
    public var location: String { home.location }

    /// As the other home does.
    public var reusesPaths: Bool { home.reusesPaths }

    /// The other home.
    public var original: any PackHome { home.original }

    /// What the cache did since this value was made, for the process's metrics.
    public var counts: PackCacheCounts { cache.counters.counts }

    // MARK: Looking

    /// Lists the other home.
    public func list() -> PackListing { home.list() }

    /// Asks the other home.
    public func presence(of path: String) -> PackPresence { home.presence(of: path) }

    /// Asks the other home.
    public func paths(of session: String, from first: String?) throws(PackError) -> [String] {
        try home.paths(of: session, from: first)
    }

    // MARK: Reading

    /// Which pack has a path now, as far as that must be asked: nil where the path alone tells.
    private func stamp(_ path: String, _ key: CacheKey) throws(PackError) -> CacheStamp? {
        guard home.reusesPaths else { return nil }
        switch home.presence(of: path) {
        case .present(let pack):
            return CacheStamp(identity: pack.identity, size: pack.size, modified: pack.modified)
        case .absent:
            cache.drop(key)
            return nil
        case .unknown(let error): throw error
        }
    }

    /// Opens a pack; where its end is kept, without reading it from the other home.
    public func bytes(of path: String) throws(PackError) -> PackBytes {
        guard PackPath.isPlace(path) else { return try home.bytes(of: path) }
        let key = CacheKey(path)
        let current = try stamp(path, key)
        if !home.reusesPaths || current != nil, let end = cache.end(of: key, current) {
            cache.counters.hit(end.content.count)
            return try PackBytes(
                CachedRanges(cache, key, end.stamp, home: home, path: path, last: Array(end.content)), path: path)
        }
        let bytes: PackBytes
        do throws(PackError) { bytes = try home.bytes(of: path) } catch {
            if error.isAbsence { cache.drop(key) }
            throw error
        }
        let ranges = bytes.ranges
        let end = try ranges.end(PackBytes.endSize)
        cache.counters.miss(end.bytes.count)
        guard let stamp = checked(current, ranges.identity, end.size) else { return bytes }
        cache.keep(end: end.bytes, of: key, stamp)
        return try PackBytes(
            CachedRanges(cache, key, stamp, home: home, path: path, last: end.bytes, opened: ranges), path: path)
    }

    /// The stamp of a pack that was opened; nil if it is not the one that was looked at, or cannot be told from others.
    private func checked(_ current: CacheStamp?, _ identity: PackIdentity?, _ size: UInt64) -> CacheStamp? {
        guard let identity else { return nil }
        if home.reusesPaths {
            guard let current, current.identity == identity, current.size == size else { return nil }
            return current
        }
        return CacheStamp(identity: identity, size: size)
    }

    /// Ranges of a pack from copies, and from the other home where there are none.
    public func ranges(
        of path: String, size: UInt64, identity: PackIdentity?
    ) throws(PackError) -> any RangeReader {
        guard !home.reusesPaths, PackPath.isPlace(path) else {
            return try home.ranges(of: path, size: size, identity: identity)
        }
        let key = CacheKey(path)
        if let end = cache.end(of: key, nil), end.stamp.size == size,
            identity == nil || end.stamp.identity == identity
        {
            cache.counters.hit(end.content.count)
            return CachedRanges(cache, key, end.stamp, home: home, path: path, last: Array(end.content))
        }
        // Copies are of a pack with an identity, which is only known once something was read.
        guard let identity else { return try bytes(of: path, size: size) }
        return CachedRanges(
            cache, key, CacheStamp(identity: identity, size: size), home: home, path: path, last: [])
    }

    private func bytes(of path: String, size: UInt64) throws(PackError) -> any RangeReader {
        let bytes = try bytes(of: path)
        guard bytes.size == size else { throw .replaced(path) }
        return bytes.ranges
    }

    /// Opens the copy of a whole pack. Makes one if there is none, unless the pack is too large.
    public func localCopy(of path: String) throws(PackError) -> LocalPack {
        guard PackPath.isPlace(path) else { return try home.localCopy(of: path) }
        let key = CacheKey(path)
        let current = try stamp(path, key)
        if !home.reusesPaths || current != nil, let pack = cache.whole(of: key, current) { return pack }
        let pack: LocalPack
        do throws(PackError) { pack = try home.localCopy(of: path) } catch {
            if error.isAbsence { cache.drop(key) }
            throw error
        }
        // A pack whose size cannot be read is as good as before, but not kept.
        guard let size = try? Descriptor.size(pack.descriptor) else { return pack }
        cache.counters.miss(Int(clamping: size))
        if let stamp = checked(current, pack.identity, size) { cache.keep(pack, of: key, stamp) }
        return pack
    }

    // MARK: Changing

    /// Asks the other home.
    public func prepare(_ path: String) throws(PackError) { try home.prepare(path) }

    /// Publishes in the other home.
    public func publish(_ file: String, as path: String) throws(PackError) {
        try home.publish(file, as: path)
        cache.drop(CacheKey(path))
    }

    /// Removes a pack there, and its copies here.
    @discardableResult
    public func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
        let removal = try home.remove(path, ifStill: identity)
        if removal.isRemoved { cache.drop(CacheKey(path)) }
        return removal
    }

    /// Removes packs there, and their copies here.
    public func remove(_ paths: [String]) -> [(path: String, error: PackError)] {
        let failures = home.remove(paths)
        for path in paths { cache.drop(CacheKey(path)) }
        return failures
    }

    /// Sets a pack aside there.
    public func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
        let place = try home.setAside(pack, at: path, keepsPath: keepsPath)
        cache.drop(CacheKey(path))
        return place
    }

    /// Removes what interrupted publications have left there, and what interrupted copies have left here.
    public func removeUnfinished(writtenIn folder: OpenFolder) {
        home.removeUnfinished(writtenIn: folder)
        // What cannot be listed or removed now costs only space.
        try? CacheEviction(cache).evict()
    }
}
