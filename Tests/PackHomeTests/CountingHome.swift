import Files
import Pack
import PackHome
import Synchronization

/// A folder as a home that never reuses a path, and counts what is asked of it.
final class CountingHome: PackHome {
    let folder: FolderPackHome
    private let calls = Mutex(0)
    private let answers = Mutex(0)
    let reusesPaths = false
    var location: String { folder.location }

    init(store: String) { folder = FolderPackHome(store: store) }

    /// How often packs were opened, copied or looked for.
    var opened: Int { calls.withLock { $0 } }
    /// How often ranges were read.
    var read: Int { answers.withLock { $0 } }

    private func count() { calls.withLock { $0 += 1 } }

    func list() -> PackListing { folder.list() }

    func presence(of path: String) -> PackPresence {
        count()
        return folder.presence(of: path)
    }

    func paths(of session: String, from first: String?) throws(PackError) -> [String] {
        try folder.paths(of: session, from: first)
    }

    func bytes(of path: String) throws(PackError) -> PackBytes {
        count()
        let bytes = try folder.bytes(of: path)
        return try PackBytes(CountingRanges(base: bytes.ranges) { [self] in answers.withLock { $0 += 1 } }, path: path)
    }

    func ranges(
        of path: String, size: UInt64, identity: PackIdentity?
    ) throws(PackError) -> any RangeReader {
        let ranges = try folder.ranges(of: path, size: size, identity: identity)
        return CountingRanges(base: ranges) { [self] in answers.withLock { $0 += 1 } }
    }

    func localCopy(of path: String) throws(PackError) -> LocalPack {
        count()
        return try folder.localCopy(of: path)
    }

    func prepare(_ path: String) throws(PackError) { try folder.prepare(path) }

    func publish(_ file: String, as path: String) throws(PackError) { try folder.publish(file, as: path) }

    func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
        try folder.remove(path, ifStill: identity)
    }

    func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
        try folder.setAside(pack, at: path, keepsPath: keepsPath)
    }

    func removeUnfinished(writtenIn folder: OpenFolder) { self.folder.removeUnfinished(writtenIn: folder) }
}

/// Ranges that call a function before each read.
private struct CountingRanges: RangeReader {
    let base: any RangeReader
    let note: @Sendable () -> Void
    var identity: PackIdentity? { base.identity }

    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) { try base.end(count) }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
        note()
        return try base.read(at: offset, into: buffer)
    }

    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        note()
        return try base.read(ranges)
    }
}
