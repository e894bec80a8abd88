/// What a member is, detected by its first bytes.
public enum ContentKind: String, Sendable, Codable, CaseIterable {
    /// ELF with type ET_CORE.
    case elfCore = "elf_core"
    /// ELF of another type: a program, library or debug file.
    case elf
    /// Windows or Breakpad minidump.
    case minidump
    /// Breakpad text microdump.
    case microdump
    /// Unreal's upload container (zlib stream of several files).
    case unrealContainer = "unreal_container"
    /// `CrashContext.runtime-xml`.
    case unrealContext = "unreal_context"
    /// A minidump file filled with 0xDEADBEEF, as Unreal writes on Linux.
    case dummyDump = "dummy_dump"
    /// Breakpad symbol file.
    case breakpadSymbols = "breakpad_symbols"
    /// gzip stream.
    case gzip
    /// zstd frame.
    case zstd
    /// xz stream.
    case xz
    /// lz4 frame.
    case lz4
    /// bzip2 stream.
    case bzip2
    /// zip archive.
    case zip
    /// Text in an ASCII-compatible encoding.
    case text
    /// Anything else.
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

    /// Detects the kind from the first bytes of a member: 64 bytes suffice for the binary kinds, 4 KiB for all. `name`
    /// is not used.
    public static func detect(head: UnsafeRawBufferPointer, name: String = "") -> ContentKind {
        guard !head.isEmpty else { return .empty }
        if let kind = byMagic(head) { return kind }
        guard looksLikeText(head) else { return .binary }
        return textKind(head)
    }

    private static func byMagic(_ head: UnsafeRawBufferPointer) -> ContentKind? {
        func starts(_ magic: [UInt8]) -> Bool {
            head.count >= magic.count && Swift.zip(head, magic).allSatisfy { $0 == $1 }
        }
        if starts([0x7f, 0x45, 0x4c, 0x46]) {
            guard head.count >= 18 else { return .elf }
            let type = head[5] == 2 ? head[17] : head[16]
            let other = head[5] == 2 ? head[16] : head[17]
            return type == 4 && other == 0 ? .elfCore : .elf
        }
        if starts([0x4d, 0x44, 0x4d, 0x50]) || starts([0x50, 0x4d, 0x44, 0x4d]) { return .minidump }
        if starts([0xef, 0xbe, 0xad, 0xde]) || starts([0xde, 0xad, 0xbe, 0xef]) { return .dummyDump }
        if starts([0x1f, 0x8b]) { return .gzip }
        if starts([0x28, 0xb5, 0x2f, 0xfd]) { return .zstd }
        if starts([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) { return .xz }
        if starts([0x04, 0x22, 0x4d, 0x18]) { return .lz4 }
        if starts(Array("BZh".utf8)), head.count > 4, head[4] == 0x31 { return .bzip2 }
        if starts([0x50, 0x4b, 3, 4]) { return .zip }
        if head.count > 2, head[0] & 0x0f == 8, head[0] >> 4 <= 7,
            (UInt16(head[0]) << 8 | UInt16(head[1])) % 31 == 0, head[1] & 0x20 == 0, !looksLikeText(head)
        {
            return .unrealContainer
        }
        return nil
    }

    /// True when at most 5 % of the first 4 KiB are control characters: UTF-8, Latin-1, colour codes and a stray NUL
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
}
