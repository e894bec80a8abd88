public import Files

/// Reads ranges of a pack that is not a local file. Several threads may read at once, and each call blocks.
///
/// All ranges are of the same bytes: when another pack takes the path, the reader continues with the old bytes or throws.
public protocol RangeReader: Sendable {
    /// Tells the pack's bytes from others; nil when nothing does.
    var identity: PackIdentity? { get }

    /// Reads the last bytes of the pack and its size, in one request.
    ///
    /// - Parameter count: how many bytes to read; a smaller pack is read as a whole.
    func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64)

    /// Reads from an offset. May read less than the buffer holds, but nothing only at the end of the pack.
    ///
    /// - Returns: the number of bytes read.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int

    /// Reads several ranges, in any order, at once where the origin allows it. An origin behind a network joins ranges
    /// with small gaps between them.
    ///
    /// - Returns: the bytes of each range, all of them.
    /// - Throws: `PackError`, with `damagedFooter` if the pack ends before one of the ranges does.
    func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]]
}

extension RangeReader {
    /// Reads one range after another.
    public func read(_ ranges: [Range<UInt64>]) throws(PackError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        found.reserveCapacity(ranges.count)
        for range in ranges { found.append(try read(range)) }
        return found
    }

    /// Reads one range completely.
    ///
    /// - Throws: `PackError`, with `damagedFooter` if the pack ends before the range does.
    public func read(_ range: Range<UInt64>) throws(PackError) -> [UInt8] {
        // A range may come from a damaged table: nothing is allocated for bytes that do not arrive.
        let piece = 1 << 20
        var bytes: [UInt8] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = Int(min(range.upperBound - offset, UInt64(piece)))
            var buffer = [UInt8](repeating: 0, count: wanted)
            let outcome = buffer.withUnsafeMutableBytes { raw in
                Result { () throws(PackError) in try read(at: offset, into: raw) }
            }
            let count = try outcome.get()
            guard count > 0 else {
                throw PackError(.damagedFooter, "the file ends too early", offset: offset)
            }
            bytes += buffer[..<count]
            offset += UInt64(count)
        }
        return bytes
    }
}

/// Tells a pack from another that takes its path, as a device and an inode do for files.
public struct PackIdentity: Sendable, Hashable {
    /// The first 64 bits.
    public let high: UInt64
    /// The last 64 bits.
    public let low: UInt64

    /// Makes an identity of 128 bits that no two packs share, such as those of a digest.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The identity of a pack that is a file.
    public init(_ file: FileIdentity) {
        high = file.device
        low = file.inode
    }
}
