import Bytes
import Testing

@testable import Pack

/// Which ranges become one request.
@Suite struct RangePlanTests {
    @Test func smallGapsAreReadAlong() {
        let plan = RangePlan([100..<110, 0..<10, 138..<140, 300..<301, 5..<8], gap: 29, most: 1000)
        #expect(plan.requests == [0..<10, 100..<140, 300..<301])
        #expect(plan.places.map { $0?.request } == [1, 0, 1, 2, 0])
        #expect(RangePlan([0..<10, 39..<40], gap: 29, most: 1000).requests.count == 2)
        #expect(RangePlan([0..<10, 38..<40], gap: 29, most: 1000).requests.count == 1)
    }

    @Test func joinedRequestsHaveABoundAndLongRangesDoNot() {
        #expect(RangePlan([0..<60, 60..<100, 100..<101], gap: 8, most: 100).requests == [0..<100, 100..<101])
        #expect(RangePlan([0..<500, 10..<20, 500..<501], gap: 8, most: 100).requests == [0..<500, 500..<501])
        #expect(RangePlan([0..<500, 499..<501], gap: 8, most: 100).requests == [0..<500, 499..<501])
        #expect(RangePlan([], gap: 8, most: 100).requests.isEmpty)
        #expect(RangePlan([7..<7], gap: 8, most: 100).places == [nil])
        #expect(RangePlan([.max - 1 ..< .max, 0..<1], gap: .max, most: 10).requests.count == 2)
    }

    @Test func everyRangeGetsItsBytes() {
        var random = SplitMix64(seed: 4)
        let content = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for _ in 0..<500 {
            let ranges = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                let start = UInt64.random(in: 0...5000, using: &random)
                return start..<UInt64.random(in: start...min(5000, start + 300), using: &random)
            }
            let plan = RangePlan(
                ranges, gap: .random(in: 0...200, using: &random), most: .random(in: 1...900, using: &random))
            let answers = plan.requests.map { Array(content[Int($0.lowerBound)..<Int($0.upperBound)]) }
            #expect(plan.pieces(of: answers) == ranges.map { Array(content[Int($0.lowerBound)..<Int($0.upperBound)]) })
            #expect(!plan.requests.contains { $0.isEmpty })
            #expect(zip(plan.requests, plan.requests.dropFirst()).allSatisfy { $0.lowerBound <= $1.lowerBound })
            guard let last = answers.last else { continue }
            #expect(plan.pieces(of: answers.dropLast() + [last.dropLast()]) == nil, "too few bytes")
            #expect(plan.pieces(of: answers.dropLast()) == nil)
        }
    }
}
