import Notify
import Testing

@testable import CrashExport

@Suite struct ExportQueueTests {
    private static let hour = ExportQueue.hour

    private func queue(perHour: Int? = 1000, mostWaiting: Int = 100) -> ExportQueue {
        var queue = ExportQueue(seed: 7, mostWaiting: mostWaiting)
        queue.perHour = perHour
        return queue
    }

    private func item(_ id: String, at time: Int64 = 0, minidump: Bool = false) -> ExportItem {
        ExportItem(crash: id, session: "s", since: time, minidump: minidump)
    }

    @Test func crashesAreSentOneAfterTheOtherInOrder() throws {
        var queue = queue()
        #expect(queue.queue(item("a"), now: 0) == [.write(.queued(item("a")))])
        #expect(queue.queue(item("a"), now: 0).isEmpty, "it waits already")
        _ = queue.queue(item("b"), now: 0)
        let first = try #require(queue.advance(now: 1).sends.first)
        #expect(first.crash == "a" && queue.advance(now: 2).isEmpty, "one at a time")
        let done = queue.finished(first, .sent(minidump: false, note: nil), now: 3)
        let entry = ExportEntry(
            crash: "a", session: "s", state: .sent, time: 3, event: SentryEvent.id(session: "s", crash: "a"),
            minidump: false)
        #expect(done == [.enter(entry), .write(.ended(entry))], "the ledger first")
        #expect(queue.advance(now: 4).sends.map(\.crash) == ["b"])
        #expect(queue.finished(first, .failed(reason: "late"), now: 5).isEmpty, "an answer of an earlier try")
    }

    @Test func aCrashThatFailsLetsOthersPass() throws {
        var queue = queue()
        for id in ["bad", "good"] { _ = queue.queue(item(id), now: 0) }
        var time: Int64 = 0
        var sent: [String] = []
        for _ in 0..<6 {
            time = max(time, try #require(queue.nextTime(now: time)))
            guard let next = queue.advance(now: time).sends.first else { continue }
            sent.append(next.crash)
            let outcome: SendOutcome =
                next.crash == "bad" ? .failed(reason: "HTTP 500") : .sent(minidump: false, note: nil)
            _ = queue.finished(next, outcome, now: time)
        }
        #expect(sent.first == "bad" && sent.dropFirst().contains("good"))
        #expect(queue.waiting.map(\.crash) == ["bad"])
    }

    @Test func retryAfterIsHonoured() throws {
        var queue = queue()
        _ = queue.queue(item("a"), now: 0)
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(send, .failed(reason: "HTTP 503", after: 90_000), now: 0)
        #expect(queue.nextTime(now: 0) ?? 0 >= 90_000)
        #expect(queue.advance(now: 89_999).isEmpty && !queue.advance(now: 1_000_000).isEmpty)
    }

    @Test func whatFailsForADayIsSkippedWithTheReason() throws {
        var queue = queue()
        _ = queue.queue(item("a"), now: 0)
        var time: Int64 = 0
        var actions: [ExportQueue.Action] = []
        var tries = 0
        while !queue.waiting.isEmpty, tries < 1000 {
            time = max(time + 1, try #require(queue.nextTime(now: time)))
            actions = queue.advance(now: time)
            guard let send = actions.sends.first else { continue }
            tries += 1
            _ = queue.finished(send, .failed(reason: "no response"), now: time)
        }
        #expect(time >= 24 * Self.hour && time < 25 * Self.hour && tries > 90, "\(time) \(tries)")
        #expect(actions.entries.map(\.state) == [.skipped])
        #expect(actions.entries.first?.reason == "not sent within a day; last: no response")
        #expect(queue.totals.skipped == 1)
    }

    @Test func limitsOfErrorsStopEverythingUntilTheyEnd() throws {
        var queue = queue()
        _ = queue.queue(item("a", minidump: true), now: 0)
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(send, .limited(reason: "HTTP 429"), limits: [.init(.error, wait: 60_000)], now: 0)
        #expect(queue.nextTime(now: 0) == 60_000 && queue.advance(now: 59_999).isEmpty)
        #expect(queue.advance(now: 60_000).sends.map(\.minidump) == [true], "with its minidump")
        #expect(queue.waiting.first?.failures == 0, "a limit is no failure of the crash")
    }

    @Test func aLimitWithoutATimeIsAMinute() throws {
        var queue = queue()
        _ = queue.queue(item("a"), now: 0)
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(send, .limited(reason: "HTTP 429"), now: 0)
        #expect(queue.nextTime(now: 0) == ExportQueue.unknownLimit)
    }

    @Test func aLimitOfAttachmentsHoldsMinidumpsBackForAnHour() throws {
        var queue = queue()
        _ = queue.queue(item("dump", minidump: true), now: 0)
        _ = queue.queue(item("text"), now: 0)
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(
            send, .limited(reason: "HTTP 429"), limits: [.init(.attachment, wait: 24 * Self.hour)], now: 0)
        let other = try #require(queue.advance(now: 1).sends.first)
        #expect(other.crash == "text", "a crash without a minidump is not limited")
        _ = queue.finished(other, .sent(minidump: false, note: nil), now: 1)
        #expect(queue.nextTime(now: 1) == Self.hour && queue.advance(now: Self.hour - 1).isEmpty)
        let late = try #require(queue.advance(now: Self.hour).sends.first)
        #expect(!late.minidump && late.leftOut == "the service limits minidumps")
        let entry = queue.finished(late, .sent(minidump: false, note: nil), now: Self.hour).entries.first
        #expect(entry?.reason == "the service limits minidumps" && entry?.minidump == false)
    }

    @Test func limitsInAnAnswerOfSuccessCountToo() throws {
        var queue = queue()
        for id in ["a", "b"] { _ = queue.queue(item(id), now: 0) }
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(send, .sent(minidump: false, note: nil), limits: [.init(.all, wait: 5000)], now: 0)
        #expect(queue.advance(now: 4999).isEmpty && queue.advance(now: 5000).sends.map(\.crash) == ["b"])
    }

    @Test func whatIsTooLargeIsSentWithoutItsMinidump() throws {
        var queue = queue()
        _ = queue.queue(item("a", minidump: true), now: 0)
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(send, .tooLarge(reason: "HTTP 413"), now: 0)
        let again = try #require(queue.advance(now: 0).sends.first)
        #expect(!again.minidump && again.leftOut == "HTTP 413")
        let entries = queue.finished(again, .tooLarge(reason: "HTTP 413: still"), now: 1).entries
        #expect(entries.map(\.state) == [.skipped] && entries[0].reason == "HTTP 413: still")
    }

    @Test func aRefusedDSNPausesAndLosesNothing() throws {
        var queue = queue()
        _ = queue.queue(item("a"), now: 0)
        let send = try #require(queue.advance(now: 0).sends.first)
        let actions = queue.finished(send, .paused(reason: "HTTP 401"), now: 0)
        #expect(actions.contains(.tell("no crash is sent: HTTP 401")))
        #expect(queue.service.paused == "HTTP 401" && queue.nextTime(now: 0) == ExportQueue.pause)
        let again = try #require(queue.advance(now: 2 * 24 * Self.hour).sends.first, "not given up after two days")
        let more = queue.finished(again, .paused(reason: "HTTP 401"), now: 2 * 24 * Self.hour)
        #expect(!more.contains(.tell("no crash is sent: HTTP 401")), "said once")
        #expect(!queue.reconfigured(now: 2 * 24 * Self.hour).isEmpty)
        let last = try #require(queue.advance(now: 2 * 24 * Self.hour).sends.first, "at once after a change")
        _ = queue.finished(last, .sent(minidump: false, note: nil), now: 2 * 24 * Self.hour)
        #expect(queue.service.paused == nil && queue.waiting.isEmpty)
    }

    @Test func whatIsGoneDoesNotEndAPause() throws {
        var queue = queue()
        for id in ["a", "b"] { _ = queue.queue(item(id), now: 0) }
        let send = try #require(queue.advance(now: 0).sends.first)
        _ = queue.finished(send, .paused(reason: "HTTP 401"), now: 0)
        let gone = try #require(queue.advance(now: ExportQueue.pause).sends.first)
        let entries = queue.finished(gone, .gone(reason: "pruned"), now: ExportQueue.pause).entries
        #expect(entries.map(\.reason) == ["pruned"] && queue.service.paused == "HTTP 401")
    }

    @Test func noMoreThanTheHourTakes() throws {
        var queue = queue(perHour: 2)
        for id in ["a", "b", "c"] { _ = queue.queue(item(id), now: 0) }
        for time in [Int64(0), 10] {
            let send = try #require(queue.advance(now: time).sends.first)
            _ = queue.finished(send, .sent(minidump: false, note: nil), now: time)
        }
        #expect(queue.nextTime(now: 20) == Self.hour && queue.advance(now: Self.hour - 1).isEmpty)
        #expect(queue.advance(now: Self.hour).sends.map(\.crash) == ["c"])
    }

    @Test func theOldestOfTooManyAreSkipped() throws {
        var queue = queue(mostWaiting: 2)
        _ = queue.queue(item("a"), now: 0)
        _ = queue.advance(now: 0)
        for id in ["b", "c"] { _ = queue.queue(item(id), now: 0) }
        #expect(queue.waiting.map(\.crash) == ["a", "c"], "not the one in flight")
        #expect(queue.totals.skipped == 1)
    }

    @Test func aClockThatGoesBackMakesNoWaitLonger() throws {
        var queue = queue()
        _ = queue.queue(item("a", at: 1_000_000), now: 1_000_000)
        let send = try #require(queue.advance(now: 1_000_000).sends.first)
        _ = queue.finished(
            send, .failed(reason: "x", after: 5000), limits: [.init(.all, wait: 7000)], now: 1_000_000)
        _ = queue.advance(now: 1_000_001)
        _ = queue.advance(now: 10)
        #expect(try #require(queue.nextTime(now: 10)) <= 10 + 7000)
    }

    @Test func nothingIsSentWithoutAService() {
        var queue = queue(perHour: nil)
        _ = queue.queue(item("a"), now: 0)
        #expect(queue.advance(now: 1).isEmpty)
        #expect(queue.advance(now: 25 * Self.hour).entries.first?.reason == "the export is no longer configured")
    }

    // MARK: The journal

    /// Every state of a long run is restored by its records, and by its snapshot.
    @Test func theJournalRestoresTheQueue() throws {
        var queue = queue(mostWaiting: 8)
        var records: [ExportRecord] = []
        var time: Int64 = 0
        let outcomes: [SendOutcome] = [
            .sent(minidump: true, note: nil), .failed(reason: "HTTP 500"), .limited(reason: "HTTP 429"),
            .tooLarge(reason: "HTTP 413"), .refused(reason: "HTTP 400"), .gone(reason: "pruned"),
            .paused(reason: "HTTP 401"),
            .unreadable(reason: "disk"), .sent(minidump: false, note: "x"),
        ]
        for round in 0..<200 {
            records += queue.willCommit("s\(round)").records
            records += queue.queue(item("c\(round)", at: time, minidump: round % 3 == 0), now: time).records
            if round % 2 == 0 { records += queue.considered("s\(round)").records }
            time = max(time + 1000, queue.nextTime(now: time) ?? 0)
            let actions = queue.advance(now: time)
            records += actions.records
            guard let send = actions.sends.first else { continue }
            let limits: [RateLimit] = round % 7 == 0 ? [.init(.attachment, wait: 30_000)] : []
            records += queue.finished(send, outcomes[round % outcomes.count], limits: limits, now: time).records
        }
        for list in [records, queue.snapshot] {
            var next = self.queue(mostWaiting: 8)
            for record in list { next.replay(try #require(ExportRecord(record.line), "\(record)")) }
            #expect(next.waiting == queue.waiting && next.service == queue.service)
            #expect(next.due.map(\.self).sorted() == queue.due.map(\.self).sorted())
            #expect(next.totals == queue.totals)
        }
    }

    @Test(arguments: ["", "{}", "null", "[]", #"{"record":"queued"}"#, #"{"record":"ended","entry":{}}"#, "\0\0"])
    func whatIsNoRecordIsNone(_ line: String) {
        #expect(ExportRecord(line.utf8) == nil)
    }
}

extension [ExportQueue.Action] {
    var sends: [ExportItem] {
        compactMap { action in
            if case .send(let item) = action { return item }
            return nil
        }
    }

    var records: [ExportRecord] {
        compactMap { action in
            if case .write(let record) = action { return record }
            return nil
        }
    }

    var entries: [ExportEntry] {
        compactMap { action in
            if case .enter(let entry) = action { return entry }
            return nil
        }
    }
}
