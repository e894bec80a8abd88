/// The `ttl` of session-run: numbers with the units `h` and `m`, such as `2h30m`, `90m` or `1.5h`, in any order. They
/// are added exactly and rounded up to whole minutes, at least one.
struct TimeToLive: Sendable, Equatable {
    /// Nil when the number of minutes overflows, which means no limit.
    let minutes: Int?

    /// The violation for an invalid text.
    static let rule = "must be numbers with the unit 'm' or 'h', which are the valid time units, such as 2h30m or 90m"

    /// Parses a text; nil when it is invalid.
    init?(_ text: String) {
        var sum = Sum()
        var rest = Array(text.utf8)[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let whole = rest.prefix(while: Self.isDigit)
            rest = rest.dropFirst(whole.count)
            var fraction: ArraySlice<UInt8> = []
            if rest.first == UInt8(ascii: ".") {
                fraction = rest.dropFirst().prefix(while: Self.isDigit)
                guard !fraction.isEmpty else { return nil }
                rest = rest.dropFirst(1 + fraction.count)
            }
            guard !whole.isEmpty, let unit = rest.popFirst() else { return nil }
            switch unit {
            case UInt8(ascii: "h"): sum.add(whole, fraction, times: 60)
            case UInt8(ascii: "m"): sum.add(whole, fraction, times: 1)
            default: return nil
            }
        }
        minutes = sum.roundedUp
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Minutes as a decimal number: 0.1 hours are exactly six minutes, but slightly more in binary.
    private struct Sum {
        /// Nil after an overflow.
        private var whole: Int? = 0
        /// Digits after the decimal point.
        private var fraction: [UInt8] = []

        mutating func add(_ digits: ArraySlice<UInt8>, _ decimals: ArraySlice<UInt8>, times factor: Int) {
            if fraction.count < decimals.count {
                fraction += [UInt8](repeating: 0, count: decimals.count - fraction.count)
            }
            var carry = 0
            for (place, digit) in decimals.enumerated().reversed() {
                carry += Int(fraction[place]) + Int(digit - UInt8(ascii: "0")) * factor
                fraction[place] = UInt8(carry % 10)
                carry /= 10
            }
            let number = digits.reduce(0 as Int?) { number, digit in
                Self.exact(number, times: 10, plus: Int(digit - UInt8(ascii: "0")))
            }
            guard let whole, let added = Self.exact(number, times: factor, plus: carry) else {
                whole = nil
                return
            }
            let (sum, overflow) = whole.addingReportingOverflow(added)
            self.whole = overflow ? nil : sum
        }

        var roundedUp: Int? {
            guard let whole else { return nil }
            let more = fraction.contains { $0 != 0 } ? 1 : 0
            let (sum, overflow) = whole.addingReportingOverflow(more)
            return overflow ? nil : max(1, sum)
        }

        private static func exact(_ number: Int?, times factor: Int, plus more: Int) -> Int? {
            guard let number else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: factor)
            let (sum, overflowed) = product.addingReportingOverflow(more)
            return overflow || overflowed ? nil : sum
        }
    }
}
