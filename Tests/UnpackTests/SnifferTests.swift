import Testing
import Unpack

@Suite struct SnifferTests {
    @Test(arguments: [
        ([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0], ContentKind.elfCore),
        ([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], .elfCore),
        ([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0], .elf),
        ([0x4d, 0x44, 0x4d, 0x50, 0x93, 0xa7], .minidump), ([0xef, 0xbe, 0xad, 0xde], .dummyDump),
        ([0x1f, 0x8b, 8, 0], .compressed(.gzip)), ([0x28, 0xb5, 0x2f, 0xfd, 4], .compressed(.zstd)),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], .compressed(.xz)), ([0x04, 0x22, 0x4d, 0x18, 0x64], .compressed(.lz4)),
        (Array("BZh91AY&SY".utf8), .compressed(.bzip2)), ([0x50, 0x4b, 3, 4, 20], .zip), ([], .empty),
        (Array("hello\n".utf8), .text), ([0, 1, 2, 3], .binary), ([0x1f, 0x8b], .binary),
        (Array("<?xml?>\n<FGenericCrashContext>".utf8), .unrealContext),
        (Array("MODULE Linux x86_64 00 a\n".utf8), .breakpadSymbols),
        (Array("x: -----BEGIN BREAKPAD MICRODUMP-----\n".utf8), .microdump),
    ]) func kindFollowsFromTheBytes(head: [UInt8], kind: ContentKind) {
        #expect(head.withUnsafeBytes { Sniffer.kind(of: $0) } == kind)
    }

    /// The first bytes of a format are words in a text when the rest is no file of that format.
    @Test(arguments: ["BZhands were moved to the attic\n", "BZh-1 was too quiet to be noticed\n"])
    func wordsAreNoMagic(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { Sniffer.kind(of: $0) } == .text)
        #expect(Array(text.utf8).withUnsafeBytes { Sniffer.compression(of: $0) } == nil)
    }

    /// `Game log: up` in UTF-16, with and without a byte order mark.
    @Test(arguments: [UTF16Order.littleEndian, .bigEndian]) func orderOfUTF16(order: UTF16Order) {
        let words = Array("Game log: up\r\nGame log: down\r\n".utf8)
        let plain: [UInt8] = words.flatMap { byte -> [UInt8] in order == .littleEndian ? [byte, 0] : [0, byte] }
        let marked = (order == .littleEndian ? [0xff, 0xfe] : [0xfe, 0xff]) + plain
        #expect(marked.withUnsafeBytes { Sniffer.utf16Order(of: $0) } == order)
        #expect(plain.withUnsafeBytes { Sniffer.utf16Order(of: $0) } == nil)
        #expect(plain.withUnsafeBytes { Sniffer.unmarkedUTF16Order(of: $0) } == order)
        #expect(words.withUnsafeBytes { Sniffer.unmarkedUTF16Order(of: $0) } == nil)
    }
}
