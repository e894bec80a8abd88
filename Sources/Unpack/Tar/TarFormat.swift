/// Classifies raw tar blocks without reading the archive: header or end-of-archive block.
///
/// Layout per POSIX.1-2017, pax, "ustar Interchange Format"; the checksum field is the same in every variant.
enum TarFormat {
    static let blockSize = 512

    /// Whether all bytes are zero.
    static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while rest.count >= 64 {
            var sum: UInt64 = 0
            for index in 0..<8 { sum |= rest.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self) }
            if sum != 0 { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[64...])
        }
        return rest.allSatisfy { $0 == 0 }
    }

    /// Whether a block's checksum matches, computed with unsigned or, as some old writers did, with signed bytes.
    static func hasValidChecksum(_ block: UnsafeRawBufferPointer) -> Bool {
        guard block.count >= blockSize else { return false }
        var stored = 0
        var digits = 0
        for byte in block[148..<156] {
            switch byte {
            case 0x20, 0: if digits > 0 { break }
            case 0x30...0x37:
                stored = stored &* 8 &+ Int(byte &- 0x30)
                digits += 1
            default: return false
            }
        }
        guard digits > 0 else { return false }
        var unsigned = 8 * 0x20
        var signed = unsigned
        for (index, byte) in block[..<blockSize].enumerated() where !(148..<156).contains(index) {
            unsigned &+= Int(byte)
            signed &+= Int(Int8(bitPattern: byte))
        }
        return stored == unsigned || stored == signed
    }

    /// Whether a block is a header that a tar reader would accept: valid checksum, plausible type flag and mode.
    static func isHeader(_ block: UnsafeRawBufferPointer) -> Bool {
        guard hasValidChecksum(block) else { return false }
        switch block[156] {
        case 0, 0x30...0x39, 0x41...0x5a, 0x61...0x7a: break
        default: return false
        }
        switch block[100] {
        case 0, 0xff, 0x20, 0x30...0x37: return true
        default: return false
        }
    }

    /// Whether a stream with these first bytes is meant to be a tar archive, even if damaged or empty.
    static func resemblesArchive(_ head: UnsafeRawBufferPointer) -> Bool {
        // One wrong byte in the magic must not turn a damaged archive into no archive.
        if head.count >= 262, zip(head[257..<262], "ustar".utf8).count(where: { $0 == $1 }) >= 4 { return true }
        guard head.count >= blockSize else { return false }
        let block = UnsafeRawBufferPointer(rebasing: head[..<blockSize])
        return isHeader(block) || isZero(UnsafeRawBufferPointer(rebasing: head[..<min(head.count, 2 * blockSize)]))
    }
}
