import Bytes
import Testing

@testable import Sandbox

/// The order of versions.
@Suite struct ImageVersionTests {
    /// Each list from the lowest to the highest.
    private static let ladders: [[String]] = [
        ["v9.0", "v10.0"], ["1.9", "v2.0.0"], ["1.4.0-rc1", "1.4.0"],
        ["1.0-alpha", "1.0-alpha.1", "1.0-alpha.beta", "1.0-beta", "1.0-beta.2", "1.0-beta.11", "1.0-rc.1", "1.0"],
        ["1.0-rc2", "1.0-rc10", "1.0-rc10.1", "1.0", "1.0.1-a", "1.0.1"], ["1.0rc1", "1.0", "1.0.1"],
        ["1.0-1", "1.0-2", "1.0-10", "1.0-1a"], ["1.0-rc1+build9", "1.0", "1.0+1", "1.0+2", "1.0+10", "1.0.1-a+z"],
        ["latest", "nightly", "v", "version-9", "0", "0.0.1-a", "0.0.1"],
        ["1", "1.0.0.1", "1.1", "01.2", "1.3"], ["1.99999999999999999999998", "1.99999999999999999999999", "2"],
        ["2026-11-20", "2026-11-21", "2026"], ["1.0--", "1.0-a-1", "1.0-a1", "1.0"],
        ["", "é", "1"], ["1.4.0_b2", "1.4.0"], ["K", "\u{212A}"],
    ]

    @Test(arguments: ladders) func ordersBuilds(ladder: [String]) {
        for (low, lower) in ladder.enumerated() {
            for higher in ladder[(low + 1)...] {
                #expect(ImageVersion(lower) < ImageVersion(higher), "\(lower) < \(higher)")
                #expect(!(ImageVersion(higher) < ImageVersion(lower)), "\(higher) > \(lower)")
            }
        }
    }

    @Test func theSameNumbersAreOrderedByTheirBytes() {
        #expect(ImageVersion("1.9") < ImageVersion("1.9.0"))
        #expect(ImageVersion("1.9.0") < ImageVersion("1.9.1"))
        #expect(ImageVersion("1.9") < ImageVersion("v1.9"))
        #expect(ImageVersion("v1.9") < ImageVersion("1.9.1"))
    }

    /// A comparison that contradicts itself would make sorting depend on the order that a folder is read in.
    @Test func isAStrictOrderOverNamesPutTogetherAtRandom() {
        var dice = SplitMix64(seed: 12)
        let pieces = ["1", "0", "10", "9", "02", ".", ".", "-", "+", "v", "rc", "a", "_", "é"]
        let names = (0..<60).map { _ in
            (0..<Int.random(in: 1...6, using: &dice)).map { _ in pieces.randomElement(using: &dice) ?? "" }.joined()
        }
        let versions = names.map { ImageVersion($0) }
        for one in versions {
            #expect(!(one < one))
            for other in versions where one != other {
                #expect((one < other) != (other < one), "\(one.name) \(other.name)")
                for third in versions where one < other && other < third {
                    #expect(one < third, "\(one.name) \(other.name) \(third.name)")
                }
            }
        }
    }
}
