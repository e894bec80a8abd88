/// The header of a tar entry (POSIX.1-2017 pax, with ustar blocks). libarchive could write this, but its static library
/// pulls in every format; and an independent writer is a better test of our reader.
struct TarHeader {
    enum Kind: UInt8 {
        case file = 0x30
        case symbolicLink = 0x32
        case characterDevice = 0x33
        case blockDevice = 0x34
        case folder = 0x35
        case fifo = 0x36
    }

    var path: [UInt8]
    var kind: Kind
    var mode: UInt32 = 0o644
    var user: UInt32 = 0
    var group: UInt32 = 0
    var size: Int64 = 0
    /// Seconds since 1970.
    var modified: Int64 = 0
    var link: [UInt8] = []
    var device: (major: UInt32, minor: UInt32) = (0, 0)
    /// The parts of a file that are not holes; nil for a file stored whole.
    var extents: [(offset: Int64, length: Int64)]?

    static let end = [UInt8](repeating: 0, count: 1024)

    /// The zeros that fill the last block after `size` bytes.
    static func padding(_ size: Int64) -> [UInt8] { [UInt8](repeating: 0, count: Int((512 - size % 512) % 512)) }

    /// Number of bytes after the header, without padding.
    var stored: Int64 {
        guard let extents else { return size }
        return Int64(Self.map(extents).count) + extents.reduce(0) { $0 + $1.length }
    }

    /// The header's blocks, and the map of a sparse file, which is part of its content.
    var bytes: [UInt8] {
        var records: [UInt8] = []
        var name = path
        if extents != nil {
            // GNU tar's sparse format 1.0: the map precedes the data.
            records += Self.record("GNU.sparse.major", Array("1".utf8))
            records += Self.record("GNU.sparse.minor", Array("0".utf8))
            records += Self.record("GNU.sparse.name", path)
            records += Self.record("GNU.sparse.realsize", Array(String(size).utf8))
            name = Array("GNUSparseFile.0/".utf8) + path.suffix(60)
        }
        if name.count > 100 { records += Self.record("path", name) }
        if link.count > 100 { records += Self.record("linkpath", link) }
        if stored > 0o77_777_777_777 { records += Self.record("size", Array(String(stored).utf8)) }
        var bytes: [UInt8] = []
        if !records.isEmpty {
            bytes += Self.block(
                Array("PaxHeaders/".utf8) + name.suffix(80), 0x78, mode: 0o644, size: Int64(records.count))
            bytes += records + Self.padding(Int64(records.count))
        }
        bytes += Self.block(
            name, kind.rawValue, mode: mode, user: user, group: group, size: stored, modified: modified, link: link,
            device: device)
        if let extents { bytes += Self.map(extents) }
        return bytes
    }

    private static func map(_ extents: [(offset: Int64, length: Int64)]) -> [UInt8] {
        var text = "\(extents.count)\n"
        for extent in extents { text += "\(extent.offset)\n\(extent.length)\n" }
        return Array(text.utf8) + padding(Int64(text.utf8.count))
    }

    /// A pax record, `length key=value\n`; the length includes itself.
    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = key.utf8.count + value.count + 3
        var length = rest + String(rest).utf8.count
        if String(length).utf8.count > String(rest).utf8.count { length += 1 }
        return Array("\(length) \(key)=".utf8) + value + [0x0a]
    }

    private static func block(
        _ name: [UInt8], _ kind: UInt8, mode: UInt32, user: UInt32 = 0, group: UInt32 = 0, size: Int64,
        modified: Int64 = 0, link: [UInt8] = [], device: (major: UInt32, minor: UInt32) = (0, 0)
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Collection<UInt8>, at offset: Int, _ width: Int) {
            for (index, byte) in bytes.prefix(width).enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int64, at offset: Int, _ width: Int) {
            let digits = String(max(0, value), radix: 8).utf8.suffix(width - 1)
            put([UInt8](repeating: 0x30, count: width - 1 - digits.count) + digits, at: offset, width)
        }
        put(name, at: 0, 100)
        octal(Int64(mode & 0o7777), at: 100, 8)
        octal(Int64(min(user, 0o777_7777)), at: 108, 8)
        octal(Int64(min(group, 0o777_7777)), at: 116, 8)
        octal(size, at: 124, 12)
        octal(modified, at: 136, 12)
        block[156] = kind
        put(link, at: 157, 100)
        put(Array("ustar\u{0}00".utf8), at: 257, 8)
        octal(Int64(device.major), at: 329, 8)
        octal(Int64(device.minor), at: 337, 8)
        put(Array("        ".utf8), at: 148, 8)
        let sum = block.reduce(0) { $0 + Int64($1) }
        octal(sum, at: 148, 7)
        block[154] = 0
        block[155] = 0x20
        return block
    }
}
