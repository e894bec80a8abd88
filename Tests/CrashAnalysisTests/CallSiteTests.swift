import Testing

@testable import CrashAnalysis

@Suite struct CallSiteTests {
    /// Every two bytes that can stand before a return address, in an array that ends there (found by fuzzing: an index
    /// byte was read behind the end).
    @Test func noEndingReadsBehindTheReturnAddress() {
        var calls = 0
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                if CallSites.mayEnd([0, 0, 0, 0, 0, 0, first, second], arch: .amd64) { calls += 1 }
            }
        }
        // FF /2 with a register, or with a register as the address that needs no index byte and no displacement.
        #expect(calls == 8 + 6)
        #expect(!CallSites.mayEnd([0, 0, 0, 0, 0, 0, 0xff, 0x14], arch: .amd64))
        #expect(CallSites.mayEnd([0, 0, 0, 0, 0, 0xff, 0x14, 0x24], arch: .amd64))
        #expect(CallSites.mayEnd([0, 0, 0, 0xe8, 0, 0, 0, 0], arch: .amd64))
    }
}
