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
}

/// Tells a pack from another that takes its path, as a device and an inode do for files.
public struct PackIdentity: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

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
