import Bytes

/// Reads bounds-checked integers and strings from untrusted bytes; every accessor returns nil beyond the end.
struct ByteView {
    let bytes: [UInt8]
    var bigEndian = false

    var count: Int { bytes.count }

    func integer<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ at: Int, as type: T.Type) -> T? {
        bytes.withUnsafeBytes { $0.integer(at: at, as: T.self, order: bigEndian ? .big : .little) }
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
