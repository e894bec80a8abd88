/// What a file is, as ``Sniffer`` detects it.
public enum ContentKind: Sendable, Hashable {
    /// ELF with type ET_CORE.
    case elfCore
    /// ELF of another type: a program, library or debug file.
    case elf
    /// Windows or Breakpad minidump.
    case minidump
    /// Breakpad text microdump.
    case microdump
    /// Unreal's upload container (zlib stream of several files).
    case unrealContainer
    /// `CrashContext.runtime-xml`.
    case unrealContext
    /// A minidump file filled with 0xDEADBEEF, as Unreal writes on Linux.
    case dummyDump
    /// Breakpad symbol file.
    case breakpadSymbols
    /// A compressed stream.
    case compressed(CompressedFormat)
    /// zip archive.
    case zip
    /// Text in an ASCII-compatible encoding.
    case text
    /// Anything else, UTF-16 text included.
    case binary
    /// No bytes at all.
    case empty

    /// True for the kinds that are crash dumps.
    public var isCrashDump: Bool {
        switch self {
        case .elfCore, .minidump, .microdump, .unrealContainer, .unrealContext, .dummyDump: true
        default: false
        }
    }
}

/// Detects what a file is by its first bytes, never by its name. All magic numbers of whole files are here.
public enum Sniffer {
    /// The kind of a file. 64 bytes suffice for the binary kinds, 4 KiB for all.
    public static func kind(of head: UnsafeRawBufferPointer) -> ContentKind {
        guard !head.isEmpty else { return .empty }
        if let format = compression(of: head) { return .compressed(format) }
        if let kind = kindByMagic(head) { return kind }
        guard looksLikeText(head) else { return .binary }
        return textKind(head)
    }

    /// The compression of a file, of which 10 bytes suffice; nil if it is not compressed.
    public static func compression(of head: UnsafeRawBufferPointer) -> CompressedFormat? {
        if beginsGzip(head), head.count > 2, head[2] == 8 { return .gzip }
        if head.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) { return .zstd }
        if head.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) { return .xz }
        if head.starts(with: [0x04, 0x22, 0x4d, 0x18]) { return .lz4 }
        // After the level come the digits of pi, or of its square root when the file is empty.
        if head.count > 9, head.starts(with: "BZh".utf8), (0x31...0x39).contains(head[3]),
            [0x31, 0x17].contains(head[4])
        {
            return .bzip2
        }
        return nil
    }

    /// True for the first two bytes of gzip, whatever follows them: an artifact that begins so is damaged gzip, not
    /// another format.
    static func beginsGzip(_ head: UnsafeRawBufferPointer) -> Bool { head.starts(with: [0x1f, 0x8b]) }

    private static func kindByMagic(_ head: UnsafeRawBufferPointer) -> ContentKind? {
        func starts(_ magic: [UInt8]) -> Bool { head.starts(with: magic) }
        if starts([0x7f, 0x45, 0x4c, 0x46]) {
            guard head.count >= 18 else { return .elf }
            let type = head[5] == 2 ? head[17] : head[16]
            let other = head[5] == 2 ? head[16] : head[17]
            return type == 4 && other == 0 ? .elfCore : .elf
        }
        if starts([0x4d, 0x44, 0x4d, 0x50]) || starts([0x50, 0x4d, 0x44, 0x4d]) { return .minidump }
        if starts([0xef, 0xbe, 0xad, 0xde]) || starts([0xde, 0xad, 0xbe, 0xef]) { return .dummyDump }
        if starts([0x50, 0x4b, 3, 4]) { return .zip }
        if head.count > 2, head[0] & 0x0f == 8, head[0] >> 4 <= 7,
            (UInt16(head[0]) << 8 | UInt16(head[1])) % 31 == 0, head[1] & 0x20 == 0, !looksLikeText(head)
        {
            return .unrealContainer
        }
        return nil
    }

    /// True when at most 5 % of the first 4 KiB are control characters: UTF-8, Latin-1, color codes and a stray NUL
    /// pass.
    private static func looksLikeText(_ head: UnsafeRawBufferPointer) -> Bool {
        var odd = 0
        let sample = head.prefix(4096)
        for byte in sample {
            if byte < 0x20, byte != 0x09, byte != 0x0a, byte != 0x0d, byte != 0x1b, byte != 0x0c { odd += 1 }
        }
        return odd * 20 <= sample.count
    }

    private static func textKind(_ head: UnsafeRawBufferPointer) -> ContentKind {
        let sample = String(decoding: head.prefix(2048), as: UTF8.self)
        if sample.hasPrefix("MODULE ") { return .breakpadSymbols }
        if sample.contains("-----BEGIN BREAKPAD MICRODUMP-----") { return .microdump }
        if sample.contains("<FGenericCrashContext") { return .unrealContext }
        return .text
    }

    // MARK: UTF-16

    private static let fewestUnits = 16

    /// The byte order of a file that begins with a byte order mark and continues as text; nil for any other file.
    ///
    /// Text has few control characters, hardly any NUL, and at least 10 % ASCII among the first 2,048 units.
    public static func utf16Order(of head: UnsafeRawBufferPointer) -> UTF16Order? {
        guard head.count >= 2 else { return nil }
        let order: UTF16Order
        switch (head[0], head[1]) {
        case (0xff, 0xfe): order = .littleEndian
        case (0xfe, 0xff): order = .bigEndian
        default: return nil
        }
        let sample = UnsafeRawBufferPointer(rebasing: head[2..<min(head.count, 4098)])
        var odd = 0
        var ascii = 0
        var count = 0
        for at in stride(from: 0, to: sample.count - 1, by: 2) {
            let unit =
                order == .littleEndian
                ? UInt16(sample[at]) | UInt16(sample[at + 1]) << 8 : UInt16(sample[at]) << 8 | UInt16(sample[at + 1])
            count += 1
            switch unit {
            // UTF-32 with the same mark has a NUL for every other unit.
            case 0: odd += 4
            case 0x09, 0x0a, 0x0c, 0x0d, 0x1b: break
            case 0..<0x20, 0xfffe, 0xffff: odd += 1
            case 0x20..<0x7f: ascii += 1
            default: break
            }
        }
        return odd * 20 <= count && ascii * 10 >= count ? order : nil
    }

    /// The byte order of UTF-16 without a byte order mark, which tools that append to each other's files leave out; nil
    /// for any other file. At least 90 % of such a log's first 2,048 units are ASCII.
    public static func unmarkedUTF16Order(of head: UnsafeRawBufferPointer) -> UTF16Order? {
        var little = 0
        var big = 0
        var count = 0
        for at in stride(from: 0, to: min(head.count, 4096) - 1, by: 2) {
            count += 1
            if isPlain(head[at]), head[at + 1] == 0 { little += 1 }
            if isPlain(head[at + 1]), head[at] == 0 { big += 1 }
        }
        guard count >= fewestUnits else { return nil }
        if little * 10 >= count * 9 { return .littleEndian }
        return big * 10 >= count * 9 ? .bigEndian : nil
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f || byte == 0x09 || byte == 0x0a || byte == 0x0d || byte == 0x1b
    }
}
