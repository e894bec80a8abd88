internal import Bytes
internal import CFilter
internal import Digest
internal import Pack

/// What tells the bytes of a cached pack from those of others.
struct CacheStamp: Equatable {
    let identity: PackIdentity
    /// The pack's size in bytes.
    let size: UInt64
    /// When the pack was written, in nanoseconds since 1970; 0 where its path names the same bytes for ever. In a folder,
    /// a new file may have the inode of the one that it replaced.
    var modified: Int64 = 0
}

/// The name of a pack in the cache.
struct CacheKey {
    /// The SHA-256 of the pack's path.
    let digest: [UInt8]
    /// The folder of its files, one of 256, in the folder of the cache.
    let folder: String
    /// What the names of its files begin with.
    let stem: String

    init(_ path: String) {
        digest = SHA256.digest(Array(path.utf8))
        let hex = Hex.text(digest.prefix(20))
        folder = String(hex.prefix(2))
        stem = hex.dropFirst(2) + "."
    }
}

/// A file of the cache: a header, then bytes of a pack. `storage/README.md` describes it.
struct CacheFile {
    static let headerSize = 88
    private static let magic = Array("SALVCACH".utf8)
    private static let version: UInt32 = 1
    /// The checksum covers what follows it.
    private static let checkedFrom = 16

    let stamp: CacheStamp
    /// Where in the pack the bytes are.
    let offset: UInt64
    let content: ArraySlice<UInt8>

    init(stamp: CacheStamp, offset: UInt64, content: ArraySlice<UInt8>) {
        self.stamp = stamp
        self.offset = offset
        self.content = content
    }

    private struct Header {
        let version: UInt32
        let checksum: UInt32
        let stamp: CacheStamp
        let offset: UInt64
    }

    /// Reads a file; nil if it is torn, damaged, of another version, or of another path.
    init?(_ bytes: [UInt8], of key: CacheKey) {
        guard bytes.count >= Self.headerSize, bytes.prefix(8).elementsEqual(Self.magic) else { return nil }
        let header = bytes.withUnsafeBytes { raw -> Header? in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8...]))
            guard let version = reader.integer(UInt32.self), let crc = reader.integer(UInt32.self),
                let high = reader.integer(UInt64.self), let low = reader.integer(UInt64.self),
                let size = reader.integer(UInt64.self), let modified = reader.integer(Int64.self),
                let offset = reader.integer(UInt64.self), let digest = reader.run(SHA256.size),
                digest.elementsEqual(key.digest)
            else { return nil }
            let stamp = CacheStamp(identity: PackIdentity(high: high, low: low), size: size, modified: modified)
            return Header(version: version, checksum: crc, stamp: stamp, offset: offset)
        }
        guard let header, header.version == Self.version, header.checksum == Self.checksum(bytes) else { return nil }
        stamp = header.stamp
        offset = header.offset
        content = bytes[Self.headerSize...]
    }

    /// The bytes of the file.
    func bytes(of key: CacheKey) -> [UInt8] {
        var out = ByteWriter(capacity: Self.headerSize + content.count)
        out.put(bytes: Self.magic)
        out.put(Self.version)
        out.put(UInt32(0))
        out.put(stamp.identity.high)
        out.put(stamp.identity.low)
        out.put(stamp.size)
        out.put(stamp.modified)
        out.put(offset)
        out.put(bytes: key.digest)
        out.put(bytes: content)
        out.patch(Self.checksum(out.bytes), at: 12)
        return out.bytes
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress.map { $0 + checkedFrom }, $0.count - checkedFrom) }
    }
}
