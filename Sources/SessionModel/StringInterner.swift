import Text

/// Turns bytes into strings and returns the same string for bytes it saw before, so that an image name that occurs
/// 100,000 times is allocated once. The number of slots is fixed, so hostile input cannot make it grow.
struct StringInterner {
    private var slots: [String?]

    init(slots: Int = 256) {
        self.slots = Array(repeating: nil, count: slots)
    }

    /// Returns the string of these bytes; nil when they are not valid UTF-8.
    @inline(__always)
    mutating func string(_ bytes: UnsafeRawBufferPointer) -> String? {
        // Up to 15 bytes are stored inside the String value itself: nothing to share.
        guard bytes.count > 15, bytes.count <= 256, let base = bytes.baseAddress else { return String(utf8: bytes) }
        let head = base.loadUnaligned(as: UInt64.self)
        let tail = base.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        let mixed = (head ^ (tail &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(bytes.count)) &* 0xFF51_AFD7_ED55_8CCD
        let slot = Int(truncatingIfNeeded: mixed >> 40) & (slots.count - 1)
        if let known = slots[slot], known.hasBytes(bytes) { return known }
        guard let fresh = String(utf8: bytes) else { return nil }
        slots[slot] = fresh
        return fresh
    }
}
