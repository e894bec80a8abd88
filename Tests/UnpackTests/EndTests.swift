import Model
import Testing

@testable import Unpack

/// Bytes after the end-of-archive blocks: zeros are padding, whatever their number, and a cut is a cut.
struct EndTests {
    @Test("zeros behind the end are padding", arguments: [1, 100, 511, 512, 513, 1000, 9216, 9217, 300_000, 300_001])
    func zeros(_ count: Int) {
        let padded = sample + [UInt8](repeating: 0, count: count)
        for bytes in [padded, gzip(padded)] {
            let seen = unpack(bytes)
            #expect(seen.report.verdict == .ok, "\(count) zeros: \(seen.report)")
            #expect(seen.report.flags.subtracting(.plainTar).isEmpty, "\(count) zeros: \(seen.report.flags.names)")
            #expect(seen.entries.count == 4)
        }
    }

    @Test("a gzip that is cut in the padding is cut, and nothing follows the end")
    func cutPadding() {
        // Stored, so that every cut leaves another number of zeros.
        let archive = gzip(sample + [UInt8](repeating: 0, count: 2000), level: 0)
        for length in (archive.count - 2100)..<archive.count {
            let seen = unpack(Array(archive[..<length]))
            #expect(seen.report.verdict == .incomplete, "cut at \(length)")
            #expect(!seen.report.flags.contains(.dataAfterEnd), "cut at \(length): \(seen.report.flags.names)")
            #expect(seen.entries.count == 4)
        }
        let two = gzip(sample) + gzip(sample, level: 6).prefix(15)
        #expect(unpack(two).report.verdict == .incomplete)
        #expect(!unpack(two).report.flags.contains(.dataAfterEnd), "\(unpack(two).report.flags.names)")
    }

    @Test("one byte that is not zero is no padding")
    func notZero() {
        for place in [0, 100, 511, 600] {
            var bytes = sample + [UInt8](repeating: 0, count: 700)
            bytes[sample.count + place] = 1
            #expect(unpack(gzip(bytes)).report.flags.contains(.dataAfterEnd), "at \(place)")
        }
    }
}
