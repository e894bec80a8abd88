/// Collects little-endian integers and runs of bytes.
@frozen public struct ByteWriter: Sendable {
    /// The bytes so far.
    public var bytes: [UInt8]

    /// Starts empty, with room for `capacity` bytes.
    @inlinable
    public init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Appends an integer.
    @inlinable
    public mutating func put<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends bytes.
    @inlinable
    public mutating func put(bytes more: some Collection<UInt8>) { bytes.append(contentsOf: more) }

    /// Appends zeros until the length is a multiple of `alignment`.
    @inlinable
    public mutating func pad(to alignment: Int) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }

    /// Replaces the integer at `offset`, which must lie within the bytes written so far.
    @inlinable
    public mutating func patch<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { raw in
            bytes.replaceSubrange(offset..<offset + MemoryLayout<T>.size, with: raw)
        }
    }
}
