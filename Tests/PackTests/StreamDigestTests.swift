import Pack
import Testing

@Suite struct StreamDigestTests {
    @Test(arguments: [0, 1, 63, 64, 65, 100_000]) func piecesMakeTheDigestOfTheWhole(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let digest = try StreamDigest()
        for start in stride(from: 0, to: count, by: 97) {
            try bytes[start..<min(start + 97, count)].withUnsafeBytes { try digest.update($0) }
        }
        #expect(try digest.finish() == ContentHash.hex(ContentHash.sha256(bytes)))
    }
}
