import Glibc

/// Fisher's exact test for a table of two rows and two columns: how likely two groups would differ at least as much as they
/// do if they did not differ at all.
///
/// Two-sided, in the common definition: the sum of the probabilities of all tables with the same totals that are at most as
/// likely as the given one (R. A. Fisher, "On the interpretation of χ² from contingency tables", 1922; `fisher.test` of R
/// computes the same). Probabilities are hypergeometric, computed from logarithms of factorials.
enum FisherTest {
    /// Above this probability a difference is called likely chance.
    static let threshold = 0.05

    /// The probability for two groups.
    ///
    /// - Parameters:
    ///   - first: the members of the first group that have a property, and all.
    ///   - second: the same of the second group.
    /// - Returns: from 0 to 1; 1 if a group is empty.
    static func probability(_ first: (with: Int, all: Int), _ second: (with: Int, all: Int)) -> Double {
        let (one, other) = (max(0, first.all), max(0, second.all))
        let with = min(one, max(0, first.with)) + min(other, max(0, second.with))
        guard one > 0, other > 0, with > 0, with < one + other else { return 1 }
        let table = Table(first: one, second: other, with: with)
        let seen = min(one, max(0, first.with))
        let (lowest, highest) = (max(0, with - other), min(one, with))
        // Rounding must not make the mirrored table seem less likely.
        let limit = table.logarithm(seen) + 1e-7
        let mode = min(highest, max(lowest, table.mode))
        // On each side of the most likely table, the probability falls.
        var low = (lowest, mode)
        while low.0 < low.1 {
            let middle = (low.0 + low.1) / 2
            if table.logarithm(middle) <= limit { low.0 = middle + 1 } else { low.1 = middle }
        }
        let lower = table.logarithm(low.0) <= limit ? low.0 : low.0 - 1
        var high = (mode, highest)
        while high.0 < high.1 {
            let middle = (high.0 + high.1) / 2
            if table.logarithm(middle) > limit { high.0 = middle + 1 } else { high.1 = middle }
        }
        let upper = max(lower + 1, high.0)
        var sum = table.sum(from: lower, to: lowest, by: -1)
        if upper <= highest, table.logarithm(upper) <= limit { sum += table.sum(from: upper, to: highest, by: 1) }
        return min(1, max(0, sum))
    }

    /// The tables with given totals; each is known by the number of members of the first group that have the property.
    private struct Table {
        let first: Int
        let second: Int
        let with: Int

        /// The most likely table.
        var mode: Int { Int((Double(first + 1) * Double(with + 1)) / Double(first + second + 2)) }

        /// The logarithm of a table's probability.
        func logarithm(_ count: Int) -> Double {
            Self.choose(first, count) + Self.choose(second, with - count) - Self.choose(first + second, with)
        }

        /// The sum of the probabilities from one table to another, until they are negligible.
        func sum(from: Int, to: Int, by step: Int) -> Double {
            guard step < 0 ? from >= to : from <= to else { return 0 }
            var sum = 0.0
            var count = from
            while true {
                let next = exp(logarithm(count))
                sum += next
                if count == to || next < sum * 1e-17 || next == 0 { return sum }
                count += step
            }
        }

        private static func choose(_ all: Int, _ some: Int) -> Double {
            logFactorial(all) - logFactorial(some) - logFactorial(all - some)
        }

        /// ln n!, by Stirling's series (Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.41).
        private static func logFactorial(_ number: Int) -> Double {
            guard number > 1 else { return 0 }
            // ln Γ(x) with x = n + 1, shifted to where five terms are exact to the last digits.
            var x = Double(number) + 1
            var shift = 0.0
            while x < 16 {
                shift += log(x)
                x += 1
            }
            let inverse = 1 / x
            let square = inverse * inverse
            let series =
                inverse
                * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188))))
            return (x - 0.5) * log(x) - x + 0.5 * log(2 * Double.pi) + series - shift
        }
    }
}
