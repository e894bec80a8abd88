import Bytes
import Calendar
import Clocks
import Glibc

/// Milliseconds since 1970, or a duration in milliseconds; the unit of every time in this module.
typealias Milliseconds = Int64

extension WallClock {
    /// Formats as in Unreal Engine's log lines: `2026.11.20-22.34.05:123`.
    static func engineText(_ moment: Milliseconds) -> String {
        CivilTime(milliseconds: moment).text(
            dateSeparator: ".", timeMark: "-", timeSeparator: ".", fractionMark: ":")
    }
}

extension SplitMix64 {
    /// Returns a number from 0 up to but not including 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    /// Returns a generator seeded with the FNV-1a hash of a text, mixed with a seed.
    static func of(_ text: String, seed: UInt64) -> SplitMix64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return SplitMix64(seed: hash ^ (seed &* 0x9e37_79b9_7f4a_7c15))
    }
}
