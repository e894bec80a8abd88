import Model
import Testing
import Text

@testable import Notify

@Suite struct OutboxTests {
    private let event = { (id: String) in TestEvents.event(id) }

    @Test func aBurstIsOneMessage() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        _ = outbox.queue(event("2"), for: ["a"], now: 29_000)
        #expect(outbox.advance(now: 29_999).sends.isEmpty)
        #expect(outbox.nextTime(now: 29_999) == 30_000)
        let sends = outbox.advance(now: 30_000).sends
        #expect(sends.map { $0.message.events.map(\.id) } == [["1", "2"]])
    }

    @Test func aMessageIsWrittenBeforeItIsSent() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        let actions = outbox.advance(now: 30_000)
        guard case .write(.sending(let channel, _, let events, _)) = actions.first else {
            Issue.record("the first action is \(String(describing: actions.first))")
            return
        }
        #expect(channel == "a" && events == ["1"] && actions.count == 2)
    }

    @Test func anEventIsQueuedOnce() {
        var outbox = TestEvents.outbox()
        #expect(outbox.queue(event("1"), for: ["a"], now: 0).count == 1)
        #expect(outbox.queue(event("1"), for: ["a"], now: 1).isEmpty)
        let message = outbox.advance(now: 30_000).sends[0].message
        _ = outbox.finished("a", message.id, .delivered(answer: ""), now: 30_001)
        #expect(outbox.queue(event("1"), for: ["a"], now: 30_002).isEmpty)
        #expect(outbox.channels["a"]?.undelivered == 0)
    }

    @Test func aFailedMessageIsTriedAgainLaterAndLonger() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        var now: Int64 = 30_000
        let first = outbox.advance(now: now).sends[0].message
        var waits: [Int64] = []
        for _ in 0..<12 {
            _ = outbox.finished("a", first.id, .failed(reason: "HTTP 500"), now: now)
            #expect(outbox.advance(now: now).sends.isEmpty)
            let next = outbox.nextTime(now: now) ?? 0
            waits.append(next - now)
            now = next
            let again = outbox.advance(now: now).sends
            #expect(again.map(\.message) == [first], "the same events under the same id")
        }
        #expect((500...1000).contains(waits[0]))
        #expect((450_000...900_000).contains(waits[11]))
        #expect(zip(waits, waits.dropFirst()).filter { $0 < $1 }.count > 6)
    }

    @Test func theChannelsWishIsHonoured() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        let message = outbox.advance(now: 30_000).sends[0].message
        _ = outbox.finished("a", message.id, .failed(reason: "HTTP 429", after: 120_000), now: 30_000)
        #expect(outbox.nextTime(now: 30_000) == 150_000)
        #expect(outbox.advance(now: 149_999).sends.isEmpty)
        #expect(outbox.advance(now: 150_000).sends.count == 1)
    }

    @Test func whatIsRefusedThriceIsGivenUp() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        var now: Int64 = 30_000
        let message = outbox.advance(now: now).sends[0].message
        var actions: [Outbox.Action] = []
        for _ in 0..<3 {
            actions = outbox.finished("a", message.id, .refused(reason: "HTTP 404"), now: now)
            now = outbox.nextTime(now: now) ?? now
            _ = outbox.advance(now: now)
        }
        #expect(actions.last == .gaveUp(channel: "a", events: 1, reason: "HTTP 404"))
        #expect(outbox.channels["a"]?.totals.failed == 1)
        #expect(outbox.channels["a"]?.isIdle == true)
    }

    @Test func aMessageIsTriedForADay() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        let message = outbox.advance(now: 30_000).sends[0].message
        _ = outbox.finished("a", message.id, .failed(reason: "no response"), now: Outbox.longestAge - 1)
        #expect(outbox.channels["a"]?.current != nil)
        var now = Outbox.longestAge + 2000
        var actions: [Outbox.Action] = []
        for tries in 2...Outbox.fewestTries {
            #expect(outbox.channels["a"]?.current != nil, "after \(tries - 1) tries")
            _ = outbox.advance(now: now)
            actions = outbox.finished("a", message.id, .failed(reason: "no response"), now: now)
            now = outbox.nextTime(now: now) ?? now
        }
        #expect(
            actions.last
                == .gaveUp(channel: "a", events: 1, reason: "not delivered within a day; last: no response"))
    }

    @Test func whatExceedsTheHourGoesIntoTheNextHoursMessage() {
        var outbox = TestEvents.outbox(["a": OutboxSettings(burst: 0, perHour: 2)])
        for index in 0..<2 {
            let now = Int64(index) * 1000
            _ = outbox.queue(event("\(index)"), for: ["a"], now: now)
            let message = outbox.advance(now: now).sends[0].message
            _ = outbox.finished("a", message.id, .delivered(answer: ""), now: now)
        }
        for index in 2..<10 { _ = outbox.queue(event("\(index)"), for: ["a"], now: 2000) }
        #expect(outbox.advance(now: 3_599_999).sends.isEmpty)
        #expect(outbox.nextTime(now: 2000) == 3_600_000)
        let sends = outbox.advance(now: 3_600_000).sends
        #expect(sends.map(\.message.events.count) == [8])
        #expect(sends[0].message.counts.map(\.count) == [8])
    }

    @Test func aHangingChannelDelaysNoOther() {
        var outbox = TestEvents.outbox(["a": OutboxSettings(), "b": OutboxSettings()])
        _ = outbox.queue(event("1"), for: ["a", "b"], now: 0)
        let sends = outbox.advance(now: 30_000).sends
        #expect(sends.map(\.channel) == ["a", "b"])
        _ = outbox.finished("b", sends[1].message.id, .delivered(answer: ""), now: 30_100)
        _ = outbox.queue(event("2"), for: ["a", "b"], now: 30_200)
        #expect(outbox.advance(now: 60_200).sends.map(\.channel) == ["b"], "a is still waiting for its answer")
    }

    @Test func theOldestBecomeCountsBeyondTheBound() {
        var outbox = TestEvents.outbox(mostWaiting: 3)
        for index in 0..<10 { _ = outbox.queue(event("\(index)"), for: ["a"], now: 0) }
        #expect(outbox.channels["a"]?.undelivered == 10)
        let message = outbox.advance(now: 30_000).sends[0].message
        #expect(message.events.map(\.count) == [7, 1, 1, 1])
        #expect(message.counts.map(\.count) == [10])
    }

    @Test func aClockThatGoesBackDelaysNothing() throws {
        let day: Int64 = 86_400_000
        var outbox = TestEvents.outbox(["a": OutboxSettings(burst: 0, perHour: 2)])
        for index in 0..<2 {
            let now = day + Int64(index)
            _ = outbox.queue(event("\(index)"), for: ["a"], now: now)
            let message = try #require(outbox.advance(now: now).sends.first).message
            _ = outbox.finished("a", message.id, .delivered(answer: ""), now: now)
        }
        _ = outbox.queue(event("2"), for: ["a"], now: day)
        #expect(outbox.advance(now: 1000).sends.isEmpty)
        #expect(outbox.nextTime(now: 1000) == 1000 + Outbox.hour, "the cap counts from the new time")
        let sent = outbox.advance(now: 1000 + Outbox.hour).sends
        let message = try #require(sent.first).message
        // The same for the wait before the next try, also after a restart.
        _ = outbox.finished("a", message.id, .failed(reason: "HTTP 500", after: 60_000), now: day)
        for var copy in [outbox, restored(outbox)] {
            #expect(copy.advance(now: 2000).sends.isEmpty)
            #expect(copy.nextTime(now: 2000) == 62_000)
            #expect(copy.advance(now: 62_000).sends.map(\.message.id) == ["2"])
        }
    }

    @Test func aMessageOfAWrongClockIsStillTried() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        let message = outbox.advance(now: 30_000).sends[0].message
        let actions = outbox.finished("a", message.id, .failed(reason: "no network"), now: 1_700_000_000_000)
        #expect(actions.count == 1 && outbox.channels["a"]?.current != nil)
    }

    private func restored(_ outbox: Outbox) -> Outbox {
        var copy = TestEvents.outbox(["a": OutboxSettings(burst: 0, perHour: 2)])
        for record in outbox.snapshot { copy.replay(record) }
        return copy
    }

    @Test func aFlushDoesNotGather() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        outbox.isFlushing = true
        #expect(outbox.advance(now: 1).sends.count == 1)
    }

    @Test func whatWaitsForAChannelThatIsGoneIsGivenUpAfterADay() {
        var outbox = TestEvents.outbox()
        _ = outbox.queue(event("1"), for: ["a"], now: 0)
        outbox.configure(ByteDictionary())
        #expect(outbox.advance(now: Outbox.longestAge - 1).isEmpty)
        let actions = outbox.advance(now: Outbox.longestAge)
        #expect(actions.last == .gaveUp(channel: "a", events: 1, reason: "the channel is no longer configured"))
    }
}
