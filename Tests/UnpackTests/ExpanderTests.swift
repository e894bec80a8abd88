import Glibc
import Testing

@testable import Unpack

/// Compressed files as their own tools write them, expanded piece by piece.
struct ExpanderTests {
    /// Text that shrinks by about a factor of four, and has repetitions near and far.
    private static let text: [UInt8] = (0..<30_000).flatMap { index in
        Array(
            "[2026.11.20-21.16.\(index % 60):\(index % 997)] LogNet: player \(index &* 2_654_435_761 % 99_991)\n".utf8)
    }

    private static let tools: [(format: CompressedFormat, command: String)] = [
        (.gzip, "gzip -c"), (.gzip, "gzip -1 -c"), (.zstd, "zstd -q -c"), (.zstd, "zstd -q -19 -c"),
        (.xz, "xz -c"), (.xz, "xz -0 -c --check=crc32"), (.bzip2, "bzip2 -c"), (.bzip2, "bzip2 -1 -c"),
        (.lz4, "lz4 -q -c"), (.lz4, "lz4 -q -c -9 -BD -B4 -BX"), (.lz4, "lz4 -q -c -BI -B7 --content-size"),
        (.lz4, "lz4 -q -c --no-frame-crc"),
    ]

    private func expand(
        _ bytes: [UInt8], pieces: Int = 64 << 10, limits: ExpansionLimits = ExpansionLimits(bytes: 1 << 30)
    ) throws -> (content: [UInt8], end: ExpansionEnd) {
        let format = try #require(bytes.withUnsafeBytes { Sniffer.compression(of: $0) })
        let expander = StreamExpander(format, limits: limits)
        var content: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
            piece.withUnsafeBytes { expander.push($0) { content += Array($0) } }
        }
        return (content, expander.finish())
    }

    @Test("what the formats' own tools write comes back, whatever the pieces", arguments: tools.map(\.command))
    func roundTrip(_ command: String) throws {
        guard let packed = try Self.run(command, Self.text) else { return }
        let format = Self.tools.first { $0.command == command }?.format
        #expect(packed.withUnsafeBytes { Sniffer.compression(of: $0) } == format)
        for pieces in [1 << 20, 4099, 1] {
            let (content, end) = try expand(packed, pieces: pieces)
            #expect(end == .complete, "\(command), pieces of \(pieces)")
            #expect(content == Self.text, "\(command), pieces of \(pieces)")
        }
        // Two files one after the other are one, with or without padding.
        for padding in [0, 4] {
            let two = packed + [UInt8](repeating: 0, count: padding) + packed
            let (content, end) = try expand(two, pieces: 1000)
            #expect(end == .complete && content.count == 2 * Self.text.count, "\(command), padded by \(padding)")
        }
        let (content, end) = try expand(packed + Array("rubbish".utf8))
        #expect(end == .complete && content == Self.text, "\(command) with rubbish behind it")
    }

    @Test("an empty file is complete", arguments: tools.map(\.command))
    func empty(_ command: String) throws {
        guard let packed = try Self.run(command, []) else { return }
        let (content, end) = try expand(packed, pieces: 1)
        #expect(content.isEmpty && end == .complete)
    }

    @Test("a file cut at any byte is truncated, and what came before is kept", arguments: tools.map(\.command))
    func cut(_ command: String) throws {
        let short = Array(Self.text.prefix(1500))
        guard let packed = try Self.run(command, short) else { return }
        for length in 10..<packed.count {
            let (content, end) = try expand(Array(packed[..<length]))
            #expect(end == .truncated, "\(command) cut at \(length) of \(packed.count): \(end)")
            #expect(short.starts(with: content), "\(command) cut at \(length)")
        }
    }

    @Test("no flipped bit crashes, hangs or goes beyond the limit", arguments: tools.map(\.command))
    func flipped(_ command: String) throws {
        let short = Array(Self.text.prefix(600))
        guard var packed = try Self.run(command, short) else { return }
        var wrong = 0
        for bit in 48..<(packed.count * 8) {
            packed[bit / 8] ^= 1 << (bit % 8)
            if packed.withUnsafeBytes({ Sniffer.compression(of: $0) }) != nil {
                let (content, end) = try expand(packed, limits: ExpansionLimits(bytes: 100_000))
                #expect(content.count <= 100_000)
                // Without a checksum in the frame the damage cannot be detected.
                if end == .complete, content != short { wrong += 1 }
            }
            packed[bit / 8] ^= 1 << (bit % 8)
        }
        #expect(wrong == 0 || command.contains("no-frame-crc"), "\(command): \(wrong) wrong contents passed for good")
    }

    @Test(
        "bombs end at the limit of bytes or of the ratio", arguments: ["gzip -9 -c", "xz -c", "bzip2 -c", "zstd -q -c"])
    func bombs(_ command: String) throws {
        guard let bomb = try Self.shell("head -c 400000000 /dev/zero | \(command)") else { return }
        #expect(bomb.count < 500_000)
        let byBytes = try expand(bomb, limits: ExpansionLimits(bytes: 1 << 20))
        #expect(byBytes.end == .limited("bytes") && byBytes.content.count == 1 << 20)
        let byRatio = try expand(
            bomb, pieces: 1000, limits: ExpansionLimits(bytes: 1 << 30, freeBytes: 1 << 20, ratio: 100))
        #expect(byRatio.end == .limited("ratio"))
        #expect(byRatio.content.count >= 1 << 20)
        #expect(byRatio.content.count <= max(1 << 20, bomb.count * 100))
    }

    @Test("a window larger than 32 MiB is refused, a smaller one is not")
    func windows() throws {
        let commands: [(String, Bool)] = [
            ("zstd -q --ultra -22 --long=27", false), ("xz -9", false), ("zstd -q -19 --long=25", true),
            ("xz -8", true),
        ]
        for (command, isAllowed) in commands {
            guard let packed = try Self.shell("head -c 70000000 /dev/zero | \(command) -c") else { continue }
            let (content, end) = try expand(packed)
            #expect(end == (isAllowed ? .complete : .limited("memory")), "\(command): \(end)")
            #expect(content.count == (isAllowed ? 70_000_000 : 0))
        }
    }

    @Test("UTF-16 becomes UTF-8 whatever the pieces; what is no character becomes U+FFFD")
    func utf16() {
        let text = "\u{feff}größe 🎮 line\r\nsecond\n"
        for order in UTF16Order.allCases {
            var bytes = text.utf16.flatMap { unit in
                order == .littleEndian
                    ? [UInt8(unit & 0xff), UInt8(unit >> 8)] : [UInt8(unit >> 8), UInt8(unit & 0xff)]
            }
            #expect(bytes.withUnsafeBytes { Sniffer.utf16Order(of: $0) } == order)
            func transcode(_ bytes: [UInt8], pieces: Int) -> String {
                var transcoder = UTF16Transcoder(order)
                var out: [UInt8] = []
                for start in stride(from: 0, to: bytes.count, by: pieces) {
                    let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
                    piece.withUnsafeBytes { transcoder.push($0) { out += Array($0) } }
                }
                transcoder.finish { out += Array($0) }
                return String(decoding: out, as: UTF8.self)
            }
            for pieces in [1, 2, 3, 1000] { #expect(transcode(bytes, pieces: pieces) == String(text.dropFirst())) }
            let lone: [UInt8] = order == .littleEndian ? [0x3d, 0xd8, 0x41, 0] : [0xd8, 0x3d, 0, 0x41]
            bytes += lone + [7]
            #expect(transcode(bytes, pieces: 5) == text.dropFirst() + "\u{fffd}A\u{fffd}")
        }
        let utf32: [UInt8] = [0xff, 0xfe, 0, 0] + (0..<100).flatMap { _ in [UInt8(0x41), 0, 0, 0] }
        #expect(utf32.withUnsafeBytes { Sniffer.utf16Order(of: $0) } == nil)
        let noise: [UInt8] = [0xff, 0xfe] + (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 % 29) }
        #expect(noise.withUnsafeBytes { Sniffer.utf16Order(of: $0) } == nil)
    }

    // MARK: Tools

    /// The output of a tool for some input; nil, with a message, if the tool is not installed.
    static func run(_ command: String, _ input: [UInt8]) throws -> [UInt8]? {
        var template = Array("/tmp/salvage-expand-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        var done = 0
        while done < input.count {
            done += input.withUnsafeBytes {
                max(0, write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done))
            }
        }
        return try shell("\(command) < \(path)")
    }

    private static func shell(_ command: String) throws -> [UInt8]? {
        let tool = command.split(separator: "|").last?.split(separator: " ").first.map(String.init) ?? ""
        guard system("command -v \(tool) >/dev/null") == 0 else {
            print("skipped: no \(tool)")
            return nil
        }
        let pipe = try #require(popen(command, "r"))
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, pipe)
            guard count > 0 else { break }
            out += buffer[..<count]
        }
        try #require(pclose(pipe) == 0)
        return out
    }
}
