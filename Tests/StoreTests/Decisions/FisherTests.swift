import Testing

@testable import Store

@Suite struct FisherTests {
    private func choose(_ all: Int, _ some: Int) -> Double {
        (0..<max(0, some)).reduce(1.0) { $0 * Double(all - $1) / Double($1 + 1) }
    }

    @Test func smallTablesAreExact() {
        for (one, other) in [(1, 1), (4, 2), (7, 9), (12, 5)] {
            for first in 0...one {
                for second in 0...other {
                    let with = first + second
                    let all = choose(one + other, with)
                    let seen = choose(one, first) * choose(other, second) / all
                    let sum = (max(0, with - other)...min(one, with)).reduce(0.0) { sum, count in
                        let next = choose(one, count) * choose(other, with - count) / all
                        return next <= seen * (1 + 1e-7) ? sum + next : sum
                    }
                    let found = FisherTest.probability((first, one), (second, other))
                    #expect(abs(found - min(1, sum)) < 1e-12, "\(first)/\(one) \(second)/\(other)")
                }
            }
        }
    }

    @Test func largeTablesAreDecided() {
        // R: fisher.test(matrix(c(3, 7, 9, 1), 2))$p.value
        #expect(abs(FisherTest.probability((3, 10), (9, 10)) - 0.019766611097880468) < 1e-12)
        #expect(FisherTest.probability((1000, 500_000), (1300, 500_000)) < 1e-8)
        #expect(FisherTest.probability((50_000, 500_000), (50_100, 500_000)) > 0.5)
        #expect(FisherTest.probability((0, 0), (3, 5)) == 1)
        #expect(FisherTest.probability((0, 5), (0, 5)) == 1)
        #expect(FisherTest.probability((5, 5), (5, 5)) == 1)
    }
}
