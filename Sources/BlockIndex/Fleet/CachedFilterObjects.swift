internal import Bytes
internal import CFilter
internal import Files
internal import Glibc
internal import Synchronization
internal import Text

/// Objects of filters with copies of what was read of them, in a folder that several processes share.
///
/// There is no index: a file's name is a hash of key and range, and its checksum covers both. A file appears by renaming and
/// may vanish at any time. No call fails because of the cache.
public final class CachedFilterObjects: FilterObjects {
    private let objects: any FilterObjects
    private let folder: String
    private let root: String
    private let most: UInt64
    private let written = Mutex<UInt64>(0)

    private static let magic: UInt32 = 0x3146_4353
    private static let headerSize = 12
    private static let unfinished = ".part."

    /// Wraps objects.
    ///
    /// - Parameters:
    ///   - local: the store's local folder, which must exist for copies to be kept: they are in its folder
    ///     `cache/filters`.
    ///   - most: the most bytes that copies take. While several processes write, they may take a sixteenth more for each.
    public init(_ objects: any FilterObjects, local: String, most: UInt64) {
        self.objects = objects
        root = local
        folder = local + "/cache/filters"
        self.most = most
    }

    /// Reads ranges from copies, and the others at once from the objects.
    public func read(_ ranges: [ObjectRange]) -> [Result<[UInt8], BlockIndexError>] {
        var found = ranges.map { copy(of: $0) }
        let missing = ranges.indices.filter { found[$0] == nil }
        let read = missing.isEmpty ? [] : objects.read(missing.map { ranges[$0] })
        for (index, result) in zip(missing, read) {
            if case .success(let bytes) = result { keep(bytes, of: ranges[index]) }
            found[index] = result
        }
        return zip(ranges, found).map { range, result in
            result
                ?? .failure(
                    BlockIndexError(code: .object, message: "the filters were not read completely", path: range.key))
        }
    }

    /// Writes to the objects.
    public func put(_ key: String, _ bytes: [UInt8]) throws(BlockIndexError) { try objects.put(key, bytes) }

    /// Writes to the objects.
    public func put(_ key: String, from descriptor: Int32, size: UInt64) throws(BlockIndexError) {
        try objects.put(key, from: descriptor, size: size)
    }

    /// Copies from the objects.
    public func copy(_ key: String, to descriptor: Int32) throws(BlockIndexError) {
        try objects.copy(key, to: descriptor)
    }

    // MARK: Copies

    private static func name(_ range: ObjectRange) -> String {
        var text = Array(range.key.utf8)
        text += Array(":\(range.range.lowerBound)-\(range.range.upperBound)".utf8)
        return Hex.padded(text.withUnsafeBytes { FilterDay.key($0) })
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer, _ range: ObjectRange) -> UInt32 {
        let place = Array("\(range.key):\(range.range.lowerBound)".utf8)
        let crc = place.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) }
        return salvage_crc32c(crc, bytes.baseAddress, bytes.count)
    }

    private func path(_ range: ObjectRange) -> String {
        let name = Self.name(range)
        return "\(folder)/\(name.prefix(2))/\(name.dropFirst(2))"
    }

    private func copy(of range: ObjectRange) -> Result<[UInt8], BlockIndexError>? {
        let limit = Self.headerSize + range.range.count
        guard let file = try? OpenFile(path(range), O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            let content = try? file.read(at: 0, count: limit + 1), content.count == limit
        else { return nil }
        let isSound = content.withUnsafeBytes { bytes in
            bytes.integer(at: 0, as: UInt32.self) == Self.magic
                && bytes.integer(at: 4, as: UInt32.self) == UInt32(truncatingIfNeeded: range.range.count)
                && bytes.integer(at: 8, as: UInt32.self)
                    == Self.checksum(UnsafeRawBufferPointer(rebasing: bytes[Self.headerSize...]), range)
        }
        return isSound ? .success(Array(content[Self.headerSize...])) : nil
    }

    private func keep(_ bytes: [UInt8], of range: ObjectRange) {
        guard UInt64(bytes.count) <= most / 16 else { return }
        let path = path(range)
        let parts = Folders.split(path)
        let temporary = "\(parts.folder)/\(Self.unfinished)\(getpid()).\(UInt32.random(in: 0 ... .max))"
        var out = ByteWriter(capacity: bytes.count + Self.headerSize)
        out.put(Self.magic)
        out.put(UInt32(truncatingIfNeeded: bytes.count))
        out.put(bytes.withUnsafeBytes { Self.checksum($0, range) })
        out.put(bytes: bytes)
        do throws(FileFailure) {
            try Folders.make(parts.folder, below: root)
            // Nothing is synced: what a power cut leaves has a wrong checksum.
            try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW).write(out.bytes)
            if rename(temporary, path) != 0 { unlink(temporary) }
        } catch {
            unlink(temporary)
            return
        }
        let isDue = written.withLock { written in
            written += UInt64(out.bytes.count)
            guard written > most / 16 else { return false }
            written = 0
            return true
        }
        if isDue { evict() }
    }

    /// Removes the oldest copies until an eighth of the bound is free.
    func evict() {
        guard let top = try? OpenFolder(path: folder) else { return }
        var files: [(modified: Int64, size: UInt64, path: String)] = []
        for name in (try? top.names()) ?? [] {
            guard let text = name.text, let below = try? top.folder(ifPresent: text) else { continue }
            for entry in (try? below.entries()) ?? [] where entry.kind == .file {
                files.append((entry.modified, entry.size, "\(folder)/\(text)/\(entry.name)"))
            }
        }
        var total = files.reduce(0) { $0 + $1.size }
        files.sort { $0.modified < $1.modified }
        for file in files {
            guard total > most / 8 * 7 else { return }
            unlink(file.path)
            total -= file.size
        }
    }
}
