/// Parsers for durations, sizes and percentages in a configuration.
public enum Quantity {
    /// Reads `250ms`, `5s`, `10m`, `4h`, `2d` or a sum such as `1h30m`, as milliseconds.
    ///
    /// - Returns: nil when the text is anything else or the duration exceeds 3,660 days.
    public static func milliseconds(_ text: String) -> Int64? {
        let limit: Int64 = 10 * 366 * 86_400_000
        var total: Int64 = 0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, let count = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let factor: Int64
            switch unit {
            case "ms": factor = 1
            case "s": factor = 1000
            case "m", "min": factor = 60_000
            case "h": factor = 3_600_000
            case "d": factor = 86_400_000
            default: return nil
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            guard !overflow, product <= limit else { return nil }
            total += product
            guard total <= limit else { return nil }
        }
        return total
    }

    /// Reads `512`, `64KiB`, `100MB`, `2GiB`, `1TiB`, as bytes; `K`, `M`, `G`, `T` alone are powers of 1024.
    ///
    /// - Returns: nil when the text is anything else or exceeds `Int64.max`.
    public static func bytes(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let count = UInt64(digits) else { return nil }
        let factor: UInt64
        switch text.dropFirst(digits.count).drop(while: { $0 == " " }).lowercased() {
        case "", "b": factor = 1
        case "k", "kib": factor = 1 << 10
        case "kb": factor = 1000
        case "m", "mib": factor = 1 << 20
        case "mb": factor = 1_000_000
        case "g", "gib": factor = 1 << 30
        case "gb": factor = 1_000_000_000
        case "t", "tib": factor = 1 << 40
        case "tb": factor = 1_000_000_000_000
        default: return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow || product > UInt64(Int64.max) ? nil : product
    }

    /// Reads `10%` or `0.5%` as millionths.
    ///
    /// - Returns: nil without a percent sign, or outside 0 to 100.
    public static func millionths(percent text: String) -> UInt32? {
        guard text.last == "%", let value = Double(text.dropLast().trimmed), value >= 0, value <= 100 else {
            return nil
        }
        return UInt32((value * 10_000).rounded())
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var slice = self
        while slice.first == " " { slice = slice.dropFirst() }
        while slice.last == " " { slice = slice.dropLast() }
        return slice
    }
}
