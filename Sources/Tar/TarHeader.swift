/// The header of a tar entry (POSIX.1-2017 pax, with ustar blocks); for files with holes GNU tar's sparse format 1.0.
///
/// Names are stored as they are, in UTF-8 or not, as GNU tar does.
public struct TarHeader: Sendable {
    /// The type of an entry, as its header stores it.
    public enum Kind: UInt8, Sendable {
        /// A regular file.
        case file = 0x30
        /// Another name of an earlier entry, which is its `link`.
        case hardLink = 0x31
        /// A symbolic link.
        case symbolicLink = 0x32
        /// A character device.
        case characterDevice = 0x33
        /// A block device.
        case blockDevice = 0x34
        /// A folder.
        case folder = 0x35
        /// A named pipe.
        case fifo = 0x36
    }

    /// The entry's path.
    public var path: [UInt8]
    /// The entry's type.
    public var kind: Kind
    /// The permission bits; others are ignored.
    public var mode: UInt32 = 0o644
    /// The owner's user id.
    public var user: UInt32 = 0
    /// The owner's group id.
    public var group: UInt32 = 0
    /// The size of a file in bytes, holes included.
    public var size: Int64 = 0
    /// When the content changed, in seconds since 1970, rounded down.
    public var modified: Int64 = 0
    /// The nanoseconds after `modified`, below 1,000,000,000.
    public var nanoseconds: Int64 = 0
    /// The target of a link.
    public var link: [UInt8] = []
    /// The number of a device.
    public var device: (major: UInt32, minor: UInt32) = (0, 0)
    /// The parts of a file that are not holes; nil for a file stored whole.
    public var extents: [(offset: Int64, length: Int64)]?

    /// Makes the header of an entry.
    public init(path: [UInt8], kind: Kind, mode: UInt32 = 0o644, size: Int64 = 0, modified: Int64 = 0) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.size = size
        self.modified = modified
    }

    /// The two blocks of zeros that end an archive.
    public static let end = [UInt8](repeating: 0, count: 1024)

    /// The zeros that fill the last block after `size` bytes.
    public static func padding(_ size: Int64) -> [UInt8] { [UInt8](repeating: 0, count: Int((512 - size % 512) % 512)) }

    /// The number of bytes after the header, without padding.
    public var stored: Int64 {
        guard let extents else { return size }
        return Int64(Self.map(extents).count) + extents.reduce(0) { $0 + $1.length }
    }

    /// The header's blocks, and the map of a sparse file, which is part of its content.
    public var bytes: [UInt8] {
        var records: [UInt8] = []
        var name = path
        if extents != nil {
            // The map precedes the data.
            records += Self.record("GNU.sparse.major", Array("1".utf8))
            records += Self.record("GNU.sparse.minor", Array("0".utf8))
            records += Self.record("GNU.sparse.name", path)
            records += Self.record("GNU.sparse.realsize", Array(String(size).utf8))
            name = Array("GNUSparseFile.0/".utf8) + path.suffix(60)
        }
        if name.count > 100 { records += Self.record("path", name) }
        if link.count > 100 { records += Self.record("linkpath", link) }
        if stored > Self.largestNumber { records += Self.record("size", Array(String(stored).utf8)) }
        if user > Self.largestID { records += Self.record("uid", Array(String(user).utf8)) }
        if group > Self.largestID { records += Self.record("gid", Array(String(group).utf8)) }
        if nanoseconds != 0 || modified < 0 || modified > Self.largestNumber {
            records += Self.record("mtime", Array(time.utf8))
        }
        var bytes: [UInt8] = []
        if !records.isEmpty {
            var extended = TarHeader(path: Array("PaxHeaders/".utf8) + name.suffix(80), kind: .file)
            extended.size = Int64(records.count)
            bytes += extended.block(type: 0x78, name: extended.path, size: extended.size)
            bytes += records + Self.padding(Int64(records.count))
        }
        bytes += block(type: kind.rawValue, name: name, size: stored)
        if let extents { bytes += Self.map(extents) }
        return bytes
    }

    /// The largest size and time that fit in eleven octal digits.
    private static let largestNumber: Int64 = 0o77_777_777_777
    /// The largest user id, group id and device number that fit in seven octal digits.
    private static let largestID: UInt32 = 0o777_7777

    /// The time as pax writes it. One before 1970 is a negative number, fraction included.
    private var time: String {
        var (seconds, fraction) = (modified.magnitude, nanoseconds)
        let sign = modified < 0 ? "-" : ""
        if modified < 0, fraction > 0 { (seconds, fraction) = (seconds - 1, 1_000_000_000 - fraction) }
        guard fraction > 0 else { return "\(sign)\(seconds)" }
        let digits = String(fraction)
        return "\(sign)\(seconds)." + String(repeating: "0", count: 9 - digits.utf8.count) + digits
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

    /// A ustar block. What does not fit in it is in the extended header before it.
    private func block(type: UInt8, name: [UInt8], size: Int64) -> [UInt8] {
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
        octal(Int64(min(user, Self.largestID)), at: 108, 8)
        octal(Int64(min(group, Self.largestID)), at: 116, 8)
        octal(size, at: 124, 12)
        octal(modified, at: 136, 12)
        block[156] = type
        put(link, at: 157, 100)
        put(Array("ustar\u{0}00".utf8), at: 257, 8)
        octal(Int64(min(device.major, Self.largestID)), at: 329, 8)
        octal(Int64(min(device.minor, Self.largestID)), at: 337, 8)
        put(Array("        ".utf8), at: 148, 8)
        let sum = block.reduce(0) { $0 + Int64($1) }
        octal(sum, at: 148, 7)
        block[154] = 0
        block[155] = 0x20
        return block
    }
}
