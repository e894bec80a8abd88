import CLZ4
import Testing

@testable import Unpack

/// LZ4 frames that the command `lz4` does not write.
struct LZ4FrameTests {
    /// Text of two blocks of 64 KiB and a third, smaller one.
    private static let text: [UInt8] = (0..<5_000).flatMap { Array("line \($0) of \($0 &* 2_654_435_761)\n".utf8) }

    private static func frame(_ content: [UInt8], _ adjust: (inout LZ4F_frameInfo_t) -> Void = { _ in }) -> [UInt8] {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        adjust(&preferences.frameInfo)
        let room = LZ4F_compressFrameBound(content.count, &preferences)
        return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = content.withUnsafeBytes {
                LZ4F_compressFrame(buffer.baseAddress, room, $0.baseAddress, $0.count, &preferences)
            }
        }
    }

    private func expand(_ bytes: [UInt8], pieces: Int = 1 << 20) -> (content: [UInt8], end: ExpansionEnd) {
        let expander = StreamExpander(.lz4, limits: ExpansionLimits(bytes: 1 << 24))
        var content: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = bytes[start..<min(start + pieces, bytes.count)]
            piece.withUnsafeBytes { expander.push($0) { content += Array($0) } }
        }
        return (content, expander.finish())
    }

    @Test("blocks that refer to earlier ones, independent ones and checked ones", arguments: [1 << 20, 70_001, 1])
    func blocks(pieces: Int) {
        for mode in [LZ4F_blockLinked, LZ4F_blockIndependent] {
            for checksum in [LZ4F_noBlockChecksum, LZ4F_blockChecksumEnabled] {
                let frame = Self.frame(Self.text) {
                    $0.blockMode = mode
                    $0.blockChecksumFlag = checksum
                }
                let (content, end) = expand(frame, pieces: pieces)
                #expect(content == Self.text && end == .complete, "\(mode), \(checksum)")
            }
        }
    }

    @Test("skippable frames between, behind and of any size", arguments: [1 << 20, 1])
    func skippable(pieces: Int) {
        let frame = Self.frame(Array("line\n".utf8))
        let skipped: [UInt8] = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
        let empty: [UInt8] = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]
        let (content, end) = expand(frame + skipped + empty + frame + empty, pieces: pieces)
        #expect(content == Array("line\nline\n".utf8) && end == .complete)
        #expect(expand(frame + skipped.dropLast(), pieces: pieces).end == .truncated)
    }

    @Test("a frame that needs a dictionary is damaged, not decoded without it")
    func dictionary() {
        let (content, end) = expand(Self.frame(Self.text) { $0.dictID = 7 })
        #expect(content.isEmpty)
        #expect(end == .damaged("the LZ4 frame needs a dictionary"))
    }

    @Test("a legacy frame is not LZ4 frame format")
    func legacy() {
        let bytes: [UInt8] = [0x02, 0x21, 0x4c, 0x18, 6, 0, 0, 0, 0x50, 0x61, 0x62, 0x63, 0x64, 0x65]
        #expect(bytes.withUnsafeBytes { Sniffer.compression(of: $0) } == nil)
        #expect(expand(bytes).end == .damaged("not an LZ4 frame"))
    }

    @Test("blocks before a damaged one are kept, whatever the damage")
    func damage() {
        let frame = Self.frame(Self.text) { $0.blockMode = LZ4F_blockIndependent }
        let header = 7
        func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(frame[at + $1]) << (8 * $1) } }
        let second = header + 4 + word(header)
        let intact = Array(Self.text.prefix(64 << 10))

        var large = frame
        large[second + 3] = 0x7f
        #expect(expand(large) == (intact, .damaged("an LZ4 block has an invalid size")))

        var garbled = frame
        for index in (second + 4)..<(second + 40) { garbled[index] = 0xff }
        #expect(expand(garbled) == (intact, .damaged("damaged LZ4 data")))

        var flipped = frame
        flipped[flipped.count - 1] ^= 1
        #expect(expand(flipped) == (Self.text, .damaged("the checksum of an LZ4 frame does not match")))
    }

    @Test("a frame whose header has another length than its content is damaged")
    func length() {
        let header = 15
        var frame = Self.frame(Self.text) { $0.contentSize = 1 }
        #expect(expand(frame) == (Self.text, .complete))
        frame[6] ^= 1
        var ends: [ExpansionEnd] = []
        // One of all values is the right checksum of the changed header.
        for checksum in UInt8.min...UInt8.max {
            frame[header - 1] = checksum
            ends.append(expand(frame).end)
        }
        #expect(ends.count { $0 == .damaged("the checksum of an LZ4 header does not match") } == 255)
        #expect(ends.count { $0 == .damaged("an LZ4 frame does not have the length in its header") } == 1)
    }
}
