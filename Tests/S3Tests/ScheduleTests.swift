import Bytes
import Testing

@testable import S3

@Suite struct ScheduleTests {
    @Test func waitsHaveFullJitterBelowAGrowingBound() {
        var options = S3Options()
        options.tries = 12
        var random = SplitMix64(seed: 3)
        var longest = [Int64](repeating: 0, count: 12)
        var shortest = [Int64](repeating: .max, count: 12)
        for _ in 0..<2000 {
            var schedule = RetrySchedule(options, now: 0)
            for index in 0..<11 {
                schedule.begin()
                guard case .wait(let wait) = schedule.step(asked: nil, now: 0, by: &random) else {
                    Issue.record("gave up after \(schedule.tries) tries")
                    return
                }
                longest[index] = max(longest[index], wait)
                shortest[index] = min(shortest[index], wait)
            }
            schedule.begin()
            #expect(schedule.step(asked: nil, now: 0, by: &random) == .giveUp)
        }
        for index in 0..<11 {
            let bound = min(10_000, 50 << Int64(index))
            #expect(longest[index] <= bound && longest[index] > bound * 9 / 10)
            #expect(shortest[index] < bound / 10)
        }
    }

    @Test func theServersWishCountsAndTheTotalTimeIsBounded() {
        var random = SplitMix64(seed: 4)
        var schedule = RetrySchedule(S3Options(), now: 1000)
        schedule.begin()
        guard case .wait(let wait) = schedule.step(asked: 7000, now: 1000, by: &random) else {
            Issue.record("gave up")
            return
        }
        #expect(wait == 7000)
        #expect(schedule.step(asked: 7000, now: 115_000, by: &random) == .giveUp)
    }

    @Test func onlyTheLimitIsInFlight() {
        var control = FlightControl(most: 2)
        let isFree = control.enter() == nil && control.enter() == nil
        #expect(isFree)
        guard let third = control.enter(), let fourth = control.enter() else {
            Issue.record("admitted more than the limit")
            return
        }
        let isAbandoned = control.abandon(third) && !control.abandon(third)
        #expect(isAbandoned)
        let admitted = control.leave(isSlowed: false)
        #expect(admitted == [fourth] && control.flying == 2)
        let isLate = !control.abandon(fourth)
        #expect(isLate)
        let others = control.leave(isSlowed: false) + control.leave(isSlowed: false)
        #expect(others == [] && control.flying == 0)
    }

    @Test func aWindowOfRefusalsHalvesTheLimitOnce() {
        var control = FlightControl(most: 64)
        for _ in 0..<64 { _ = control.enter() }
        for _ in 0..<64 { _ = control.leave(isSlowed: true) }
        #expect(control.limit == 32)
        for _ in 0..<32 { _ = control.enter() }
        for _ in 0..<32 { _ = control.leave(isSlowed: true) }
        #expect(control.limit == 16)
        // One more for each window of successes.
        for _ in 0..<16 {
            _ = control.enter()
            _ = control.leave(isSlowed: false)
        }
        #expect(control.limit > 16.5 && control.limit <= 17)
    }

    @Test func theLimitStaysBetweenOneAndTheMost() {
        var random = SplitMix64(seed: 5)
        var control = FlightControl(most: 8)
        var waiting: [FlightControl.Ticket] = []
        for _ in 0..<50_000 {
            if Bool.random(using: &random) {
                if let ticket = control.enter() { waiting.append(ticket) }
            } else if control.flying > 0 {
                let admitted = control.leave(isSlowed: Int.random(in: 0..<4, using: &random) == 0)
                #expect(waiting.starts(with: admitted), "in the order of their coming")
                waiting.removeFirst(admitted.count)
            } else {
                #expect(waiting.isEmpty, "nobody waits when nothing is in flight")
            }
            if waiting.count > 100, let last = waiting.popLast() {
                let isAbandoned = control.abandon(last)
                #expect(isAbandoned)
            }
            #expect(control.limit >= 1 && control.limit <= 8 && control.flying <= 8 && control.flying >= 0)
        }
    }

    @Test func temporaryKeysAreRenewedBeforeTheirEnd() throws {
        let first = try S3Keys(id: "a", secret: "b", session: "c", expires: 1_000_000)
        let second = try S3Keys(id: "d", secret: "e", session: "f", expires: 9_000_000)
        let failure = S3Error(.denied, "no")
        var keys = TemporaryKeys()
        #expect(keys.step(now: 0) == .ask)
        #expect(try keys.answered(.success(first), now: 0) == first)
        #expect(keys.step(now: 699_999) == .use(first))
        #expect(keys.step(now: 700_000) == .ask)
        // While they last, a service that does not answer does no harm.
        #expect(try keys.answered(.failure(failure), now: 700_000) == first)
        #expect(keys.step(now: 709_999) == .use(first) && keys.step(now: 710_000) == .ask)
        #expect(throws: S3Error.self) { try keys.answered(.failure(failure), now: 1_000_000) }
        #expect(keys.step(now: 1_009_999) == .fail(failure) && keys.step(now: 1_010_000) == .ask)
        #expect(try keys.answered(.success(second), now: 1_010_000) == second)
        keys.forget(first)
        #expect(keys.step(now: 1_010_001) == .use(second))
        keys.forget(second)
        #expect(keys.step(now: 1_010_001) == .ask)
    }
}
