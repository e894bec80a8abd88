#if canImport(Glibc)
    public import Glibc
#elseif canImport(Musl)
    public import Musl
#elseif canImport(Darwin)
    public import Darwin
#endif

extension String {
    /// The string of these bytes; nil when they are not valid UTF-8.
    @inlinable @inline(__always)
    public init?(utf8 bytes: UnsafeRawBufferPointer) {
        let units = bytes.bindMemory(to: UInt8.self)
        // The validating initializer is generic in the standard library and several times slower.
        if bytes.isASCII {
            self = String(decoding: units, as: UTF8.self)
        } else {
            self.init(validating: units, as: UTF8.self)
        }
    }

    /// Whether the string's UTF-8 equals these bytes.
    @inlinable @inline(__always)
    public func hasBytes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var copy = self
        return copy.withUTF8 { utf8 in
            guard utf8.count == bytes.count else { return false }
            guard let left = utf8.baseAddress, let right = bytes.baseAddress else { return utf8.isEmpty }
            return memcmp(left, right, bytes.count) == 0
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether every byte is below 0x80.
    @inlinable @inline(__always)
    public var isASCII: Bool {
        var index = 0
        var seen: UInt64 = 0
        while index + 8 <= count {
            seen |= loadUnaligned(fromByteOffset: index, as: UInt64.self)
            index += 8
        }
        var rest: UInt8 = 0
        while index < count {
            rest |= self[index]
            index += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0 && rest < 0x80
    }

    /// Whether the bytes are valid UTF-8.
    @inlinable
    public var isUTF8: Bool {
        var at = 0
        while at < count {
            if count &- at >= 8,
                loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                at &+= 8
                continue
            }
            guard let scalar = UTF8Text.scalar(self, at: at) else { return false }
            at &+= scalar.length
        }
        return true
    }
}
