internal import Digest
internal import Files
internal import Glibc
internal import Pack
internal import Synchronization

/// Copies of whole packs: a file with the pack's bytes and nothing else, because it is handed to others as a descriptor,
/// and beside it one of the cache's files whose content is the SHA-256 of the pack.
extension PackCache {
    private static let sum = "whole.sum"
    private static let whole = "whole"

    /// A sound copy; nil without one. With a stamp, only of that pack.
    func whole(of key: CacheKey, _ stamp: CacheStamp?) -> LocalPack? {
        guard let sum = read(key, Self.sum, limit: SHA256.size) else { return nil }
        do throws(FileFailure) {
            let path = path(key, Self.whole)
            let descriptor = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            do throws(FileFailure) {
                if stamp == nil || sum.stamp == stamp, try Descriptor.size(descriptor) == sum.stamp.size,
                    try Self.digest(descriptor, sum.stamp.size, into: nil) == Array(sum.content)
                {
                    counters.hit(Int(clamping: sum.stamp.size))
                    touch(descriptor, 0)
                    return LocalPack(descriptor: descriptor, identity: sum.stamp.identity)
                }
            } catch {
                close(descriptor)
                throw error
            }
            close(descriptor)
        } catch {
            return nil
        }
        for name in [Self.sum, Self.whole] { unlink(path(key, name)) }
        counters.dropped.add(1, ordering: .relaxed)
        return nil
    }

    /// Keeps a copy of a pack that is not too large for the cache.
    func keep(_ pack: LocalPack, of key: CacheKey, _ stamp: CacheStamp) {
        guard admit(stamp.size + UInt64(CacheFile.headerSize + SHA256.size), files: 2) else { return }
        do throws(FileFailure) {
            var digest: [UInt8] = []
            try write(key, Self.whole) { (made) throws(FileFailure) in
                digest = try Self.digest(pack.descriptor, stamp.size, into: made)
            }
            let sum = CacheFile(stamp: stamp, offset: 0, content: digest[...]).bytes(of: key)
            try write(key, Self.sum) { (made) throws(FileFailure) in try made.write(sum) }
        } catch {
            counters.refused.add(1, ordering: .relaxed)
        }
    }

    /// The digest of an open file, which may be copied on the way. Leaves the descriptor's position alone: others use it.
    private static func digest(
        _ descriptor: Int32, _ size: UInt64, into copy: OpenFile?
    ) throws(FileFailure) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var hasher = SHA256Hasher()
        var offset: UInt64 = 0
        while offset < size {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(size - offset, 1 << 20))])
            let count = try Descriptor.read(descriptor, at: offset, into: room)
            guard count > 0 else { throw FileFailure("copy a pack that became shorter", "", errno: EIO) }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hasher.update(piece)
            if let copy { try copy.write(piece) }
            offset += UInt64(count)
        }
        return hasher.finish()
    }
}
