import Testing

@testable import SalvageServer

@Suite struct ByteRangeTests {
    @Test(
        arguments: [
            ("bytes=0-99", ByteRange.part(0..<100)), ("bytes=10-", .part(10..<1000)), ("bytes=-5", .part(995..<1000)),
            ("bytes=-5000", .part(0..<1000)), ("bytes=990-5000", .part(990..<1000)),
            ("bytes=999-999", .part(999..<1000)),
            ("bytes=1000-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=5-4", .whole),
            ("bytes=0-1,5-6", .whole), ("bytes=", .whole), ("bytes=-", .whole), ("lines=0-1", .whole),
            ("bytes=a-b", .whole), ("bytes=99999999999999999999999-", .unsatisfiable),
            ("bytes=0-99999999999999999999999", .part(0..<1000)),
        ] as [(String, ByteRange)])
    func aHeaderMeansARange(header: String, range: ByteRange) {
        #expect(ByteRange(header, size: 1000) == range)
    }

    @Test func anEmptyFileHasNoRange() {
        #expect(ByteRange("bytes=0-", size: 0) == .unsatisfiable)
        #expect(ByteRange("bytes=-1", size: 0) == .unsatisfiable)
        #expect(ByteRange(nil, size: 0) == .whole)
    }
}
