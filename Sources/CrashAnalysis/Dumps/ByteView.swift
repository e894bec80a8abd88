/// Reads bounds-checked integers and strings from untrusted bytes; every accessor returns nil beyond the end.
struct ByteView {
    let bytes: [UInt8]
    var bigEndian = false

    var count: Int { bytes.count }

    func integer<T: FixedWidthInteger & UnsignedInteger>(_ at: Int, as type: T.Type) -> T? {
        let width = T.bitWidth / 8
        guard at >= 0, at <= bytes.count - width else { return nil }
        let raw = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: T.self) }
        return bigEndian ? T(bigEndian: raw) : T(littleEndian: raw)
    }

    func u8(_ at: Int) -> UInt8? { at >= 0 && at < bytes.count ? bytes[at] : nil }
    func u16(_ at: Int) -> UInt16? { integer(at, as: UInt16.self) }
    func u32(_ at: Int) -> UInt32? { integer(at, as: UInt32.self) }
    func u64(_ at: Int) -> UInt64? { integer(at, as: UInt64.self) }

    /// A machine word of 8 or 4 bytes.
    func word(_ at: Int, is64: Bool) -> UInt64? { is64 ? u64(at) : u32(at).map(UInt64.init) }

    /// Returns a slice; nil when it exceeds the bytes.
    func slice(_ at: Int, _ length: Int) -> ByteView? {
        guard at >= 0, length >= 0, at <= bytes.count, length <= bytes.count - at else { return nil }
        return ByteView(bytes: Array(bytes[at..<at + length]), bigEndian: bigEndian)
    }

    /// Returns a string that ends at a NUL, after `limit` bytes or at the end of the bytes.
    func cString(_ at: Int, limit: Int) -> String? {
        guard at >= 0, at <= bytes.count else { return nil }
        let end = at + min(limit, bytes.count - at)
        let part = bytes[at..<end].prefix { $0 != 0 }
        return String(decoding: part, as: UTF8.self)
    }

    /// Returns UTF-16 text of `length` bytes.
    func utf16(_ at: Int, length: Int) -> String? {
        guard let part = slice(at, length & ~1) else { return nil }
        let units = stride(from: 0, to: part.count, by: 2).compactMap { part.u16($0) }
        return String(decoding: units, as: UTF16.self)
    }
}

/// Returns bytes as lower-case hexadecimal text.
func hexText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// Decodes hexadecimal text; nil for an odd length or any other character.
func bytesFromHex(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for unit in text.utf8 {
        guard let value = hexValue(unit) else { return nil }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return high == nil ? bytes : nil
}

/// Returns the value of a hexadecimal digit; nil for any other character.
func hexValue(_ unit: UInt8) -> UInt8? {
    switch unit {
    case 0x30...0x39: unit - 0x30
    case 0x41...0x46: unit - 0x41 + 10
    case 0x61...0x66: unit - 0x61 + 10
    default: nil
    }
}
