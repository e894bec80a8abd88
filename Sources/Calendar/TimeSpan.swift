/// Reads spans of time, as `--last` and `--since` take them.
public enum TimeSpan {
    /// Milliseconds of a span such as `90s`, `15m`, `2h`, `1h30m`, `7d`, `2w`; nil for any other text and for a span that
    /// does not fit.
    public static func milliseconds(_ text: String) -> Int64? {
        var rest = text.utf8[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0 &- 0x30 <= 9 }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0 &- 0x30 > 9 }
            rest = rest.dropFirst(unit.count)
            guard let count = Int64(String(Substring(digits))), let factor = factor(String(Substring(unit))) else {
                return nil
            }
            let (part, overflow) = count.multipliedReportingOverflow(by: factor)
            let (sum, overflowed) = total.addingReportingOverflow(part)
            if overflow || overflowed { return nil }
            total = sum
        }
        return total
    }

    /// Milliseconds of `2 hours`, `1 week`, `90 min`: a number and a word.
    static func milliseconds(count: Substring, word: Substring) -> Int64? {
        guard count.utf8.allSatisfy({ $0 &- 0x30 <= 9 }), let count = Int64(count) else { return nil }
        let single = word.count > 2 && word.hasSuffix("s") ? word.dropLast() : word
        let unit: String? =
            switch single {
            case "second", "sec", "s": "s"
            case "minute", "min", "m": "m"
            case "hour", "hr", "h": "h"
            case "day", "d": "d"
            case "week", "w": "w"
            default: nil
            }
        guard let unit, let factor = factor(unit) else { return nil }
        let (span, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : span
    }

    private static func factor(_ unit: String) -> Int64? {
        switch unit {
        case "ms": 1
        case "s": 1000
        case "m": 60_000
        case "h": 3_600_000
        case "d": 86_400_000
        case "w": 604_800_000
        default: nil
        }
    }
}
