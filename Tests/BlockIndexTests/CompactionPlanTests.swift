import Testing

@testable import BlockIndex

/// What is compacted, and when.
@Suite struct CompactionPlanTests {
    private static let day = 20_777
    private static let start = Int64(day) * 86_400_000

    private static func object(
        _ level: FilterLevel, hour: Int, _ number: Int = 0, day: Int = day, bytes: UInt64 = 1000
    ) -> FilterObject {
        let time = Int64(day) * 86_400_000 + Int64(hour) * 3_600_000 + Int64(number)
        let key = FilterKey(level: level, time: time, maker: "h", random: UInt32(number), day: day)
        return FilterObject(key: key.description, day: day, level: level, blocks: 7, bytes: bytes)
    }

    @Test func anHourIsSlicedWhenItIsOver() {
        let segments = (0..<5).map { Self.object(.segment, hour: 9, $0) }
        let before = CompactionPlan(segments, now: Self.start + 10 * 3_600_000 + 119_999)
        #expect(before.steps.isEmpty)
        #expect(before.debt == 5000)
        let after = CompactionPlan(segments.reversed(), now: Self.start + 10 * 3_600_000 + 120_000)
        #expect(after.steps == [CompactionPlan.Step(inputs: segments, level: .hour, day: Self.day)])
    }

    @Test func manySegmentsAreSlicedAtOnce() {
        let segments = (0..<64).map { Self.object(.segment, hour: 9, $0) }
        let now = Self.start + 9 * 3_600_000 + 60_000
        #expect(CompactionPlan(Array(segments.dropLast()), now: now).steps.isEmpty)
        #expect(CompactionPlan(segments, now: now).steps.map(\.inputs.count) == [64])
        let large = (0..<5).map { Self.object(.segment, hour: 9, $0, bytes: 60 << 20) }
        #expect(CompactionPlan(large, now: now).steps.map(\.inputs.count) == [3, 2])
    }

    @Test func aDayIsMergedWhenAllOfItIsSliced() {
        let hours = (0..<24).map { Self.object(.hour, hour: $0) }
        let end = Self.start + 86_400_000 + 120_000
        #expect(CompactionPlan(hours, now: end - 1).steps.isEmpty)
        #expect(CompactionPlan(hours, now: end).steps == [.init(inputs: hours, level: .day, day: Self.day)])
        let late = CompactionPlan(hours + [Self.object(.segment, hour: 23)], now: end)
        #expect(late.steps.map(\.level) == [.hour])
    }

    @Test func whatIsMergedStays() {
        let end = Self.start + 3 * 86_400_000
        let day = Self.object(.day, hour: 0)
        #expect(CompactionPlan([day], now: end).steps.isEmpty)
        #expect(CompactionPlan([day], now: end).debt == 0)
        let late = CompactionPlan([day, Self.object(.hour, hour: 23)], now: end)
        #expect(late.steps.map { $0.inputs.map(\.level) } == [[.hour, .day]])
        let large = Self.object(.day, hour: 0, bytes: 7 << 30)
        let beside = CompactionPlan([large, Self.object(.hour, hour: 23)], now: end)
        #expect(beside.steps.map { $0.inputs.map(\.level) } == [[.hour]])
        #expect(CompactionPlan([large, Self.object(.day, hour: 1)], now: end).steps.isEmpty)
    }

    @Test func daysAreApart() {
        let objects = [Self.object(.segment, hour: 1), Self.object(.segment, hour: 1, day: Self.day + 1)]
        let plan = CompactionPlan(objects, now: Self.start + 5 * 86_400_000)
        #expect(plan.steps.map(\.day) == [Self.day, Self.day + 1])
    }
}
