/// Decodes UTF-8 in raw bytes, as The Unicode Standard, table 3-7, defines it.
public enum UTF8Text {
    /// The scalar at an offset and its length in bytes; nil when the bytes there are not valid UTF-8.
    ///
    /// - Parameter offset: less than the number of bytes.
    @inlinable
    public static func scalar(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (value: UInt32, length: Int)? {
        let first = bytes[offset]
        if first < 0x80 { return (UInt32(first), 1) }
        let length: Int
        var value: UInt32
        let least: UInt32
        switch first {
        case 0xC2...0xDF: (length, value, least) = (2, UInt32(first & 0x1F), 0x80)
        case 0xE0...0xEF: (length, value, least) = (3, UInt32(first & 0x0F), 0x800)
        case 0xF0...0xF4: (length, value, least) = (4, UInt32(first & 0x07), 0x10000)
        default: return nil
        }
        guard bytes.count &- offset >= length else { return nil }
        for index in 1..<length {
            let next = bytes[offset &+ index]
            guard next & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(next & 0x3F)
        }
        guard value >= least, value <= 0x10FFFF, value & 0xFFFF_F800 != 0xD800 else { return nil }
        return (value, length)
    }

    /// The length of the character at an offset; 1 for a byte that is not part of valid UTF-8.
    @inlinable
    public static func length(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        scalar(bytes, at: offset)?.length ?? 1
    }
}
