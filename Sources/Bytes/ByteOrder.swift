/// The order in which an integer's bytes are stored.
@frozen public enum ByteOrder: Sendable {
    /// The least significant byte first.
    case little
    /// The most significant byte first.
    case big
}

extension UnsafeRawBufferPointer {
    /// Returns the integer stored at `offset`, aligned or not; nil when it does not lie within the bytes.
    @inlinable
    public func integer<T: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: T.Type = T.self, order: ByteOrder = .little
    ) -> T? {
        guard offset >= 0, offset <= count &- MemoryLayout<T>.size else { return nil }
        let stored = loadUnaligned(fromByteOffset: offset, as: T.self)
        return order == .little ? T(littleEndian: stored) : T(bigEndian: stored)
    }
}
