/// Reads little-endian integers and runs of bytes one after the other, from bytes that may be truncated or hostile.
///
/// The bytes are borrowed: they must outlive the reader and all that it returns. A read that goes beyond the end returns
/// nil and moves nothing.
@frozen public struct ByteReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var next = 0

    /// Starts at the first byte.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Offset of the next byte to read.
    @inlinable
    public var position: Int { next }

    /// Number of bytes not read yet.
    @inlinable
    public var remaining: Int { bytes.count &- next }

    /// Reads the next integer.
    @inlinable
    public mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self) -> T? {
        guard let value = bytes.integer(at: next, as: T.self) else { return nil }
        next &+= MemoryLayout<T>.size
        return value
    }

    /// Reads the next `count` bytes.
    @inlinable
    public mutating func run(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= remaining else { return nil }
        let start = next
        next &+= count
        return UnsafeRawBufferPointer(rebasing: bytes[start..<next])
    }
}
