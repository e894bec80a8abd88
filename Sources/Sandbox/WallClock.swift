import Bytes
import Clocks
import Glibc

/// Milliseconds since 1970, or a duration in milliseconds; the unit of every time in this module.
typealias Milliseconds = Int64

extension WallClock {
    /// Formats as ISO 8601 in UTC with milliseconds.
    static func text(_ moment: Milliseconds) -> String {
        let parts = Parts(moment)
        return "\(parts.year)-\(pad(parts.month, 2))-\(pad(parts.day, 2))T\(clock(parts, ":", "."))Z"
    }

    /// Formats as in Unreal Engine's log lines: `2026.11.20-22.34.05:123`.
    static func engineText(_ moment: Milliseconds) -> String {
        let parts = Parts(moment)
        return "\(parts.year).\(pad(parts.month, 2)).\(pad(parts.day, 2))-\(clock(parts, ".", ":"))"
    }

    private static func clock(_ parts: Parts, _ separator: String, _ fraction: String) -> String {
        "\(pad(parts.hour, 2))\(separator)\(pad(parts.minute, 2))\(separator)\(pad(parts.second, 2))"
            + "\(fraction)\(pad(parts.millisecond, 3))"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private struct Parts {
        var year: Int
        var month: Int
        var day: Int
        var hour: Int
        var minute: Int
        var second: Int
        var millisecond: Int

        init(_ moment: Milliseconds) {
            var seconds = time_t(moment / 1000)
            var fields = tm()
            gmtime_r(&seconds, &fields)
            year = Int(fields.tm_year) + 1900
            month = Int(fields.tm_mon) + 1
            day = Int(fields.tm_mday)
            hour = Int(fields.tm_hour)
            minute = Int(fields.tm_min)
            second = Int(fields.tm_sec)
            millisecond = Int(moment % 1000)
        }
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
