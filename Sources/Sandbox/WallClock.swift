import Glibc

/// Milliseconds since 1970, or a duration in milliseconds; the unit of every time in this module.
typealias Milliseconds = Int64

enum WallClock {
    static func now() -> Milliseconds {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

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

/// A seeded generator (SplitMix64), so that runs are reproducible.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to but not including 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    /// A generator seeded with the FNV-1a hash of a text, mixed with a seed.
    static func of(_ text: String, seed: UInt64) -> SeededGenerator {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return SeededGenerator(seed: hash ^ (seed &* 0x9e37_79b9_7f4a_7c15))
    }
}
