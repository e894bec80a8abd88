/// Appends numbers as little-endian bytes.
struct LittleEndianWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(bytes more: some Collection<UInt8>) {
        bytes.append(contentsOf: more)
    }

    mutating func patch(_ value: UInt32, at index: Int) {
        withUnsafeBytes(of: value.littleEndian) { raw in
            for (step, byte) in raw.enumerated() where index + step < bytes.count { bytes[index + step] = byte }
        }
    }
}

/// Reads little-endian numbers from bytes that may be truncated or hostile.
struct LittleEndianCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        position = 0
    }

    var remaining: Int { bytes.count - position }

    mutating func take<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(PackError) -> T {
        guard remaining >= MemoryLayout<T>.size else { throw Self.short }
        let value = bytes.loadUnaligned(fromByteOffset: position, as: T.self)
        position += MemoryLayout<T>.size
        return T(littleEndian: value)
    }

    mutating func take(bytes count: Int) throws(PackError) -> UnsafeRawBufferPointer {
        guard count >= 0, remaining >= count else { throw Self.short }
        let slice = UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
        position += count
        return slice
    }

    private static var short: PackError { PackError(.damagedSection, "a table ends in the middle of a row") }
}
