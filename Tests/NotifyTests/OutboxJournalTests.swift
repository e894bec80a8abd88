import Foundation
import Model
import Testing
import Text

@testable import Notify

@Suite struct OutboxJournalTests {
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("outbox-\(UUID().uuidString)").path
        var file: String { OutboxJournal.path(path) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func append(_ text: String) throws {
            let handle = try #require(FileHandle(forWritingAtPath: file))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        }
    }

    /// An outbox in the middle of its work, and the records that led there.
    private func busy() -> (outbox: Outbox, records: [OutboxRecord]) {
        var outbox = TestEvents.outbox(["a": OutboxSettings(), "b": OutboxSettings()], mostWaiting: 4)
        var records: [OutboxRecord] = []
        for index in 0..<6 {
            records += outbox.queue(TestEvents.event("\(index)"), for: ["a", "b"], now: 0).records
        }
        records += outbox.willCommit("session-1").records
        records += outbox.willCommit("session-2").records
        records += outbox.considered("session-2").records
        let actions = outbox.advance(now: 30_000)
        records += actions.records
        records += outbox.finished("a", actions.sends[0].message.id, .failed(reason: "HTTP 500"), now: 30_001).records
        records += outbox.finished("b", actions.sends[1].message.id, .delivered(answer: ""), now: 30_002).records
        records += outbox.queue(TestEvents.event("late", .lost), for: ["a"], now: 30_003).records
        return (outbox, records)
    }

    private func replayed(_ records: [OutboxRecord]) throws -> Outbox {
        var outbox = TestEvents.outbox([:], mostWaiting: 4)
        for record in records { outbox.replay(try #require(OutboxRecord(record.line), "\(record)")) }
        return outbox
    }

    private func facts(_ outbox: Outbox) -> [String] {
        outbox.channels.sortedByKey.map { name, channel in
            "\(name) \(channel.waiting.map(\.event.id)) \(channel.current?.message.id ?? "-") "
                + "\(channel.current?.message.events.map(\.count) ?? []) \(channel.current?.failures ?? 0) "
                + "\(channel.current?.next ?? 0) \(channel.totals)"
        } + [outbox.due.map(\.self).sorted().joined(separator: ",")]
    }

    @Test func theJournalRestoresTheOutbox() throws {
        let (outbox, records) = busy()
        #expect(try facts(replayed(records)) == facts(outbox))
    }

    @Test func theSnapshotRestoresTheOutbox() throws {
        let (outbox, _) = busy()
        var again = try replayed(outbox.snapshot)
        #expect(facts(again) == facts(outbox))
        #expect(again.queue(TestEvents.event("3"), for: ["a"], now: 40_000).isEmpty, "it was queued before")
    }

    @Test func aMessageInFlightIsSentAgainAfterAKill() throws {
        var outbox = TestEvents.outbox()
        var records = outbox.queue(TestEvents.event("1"), for: ["a"], now: 0).records
        let actions = outbox.advance(now: 30_000)
        records += actions.records
        var next = TestEvents.outbox()
        for record in records { next.replay(record) }
        #expect(next.advance(now: 31_000).sends.map(\.message) == actions.sends.map(\.message))
    }

    @Test func aTornLastLineIsCutOff() throws {
        let folder = Folder()
        let journal = try OutboxJournal(folder.path)
        _ = try journal.load()
        try journal.append([.due(session: "one")])
        try folder.append(#"{"record":"due","sess"#)
        let next = try OutboxJournal(folder.path)
        let content = try next.load()
        #expect(content.records == [.due(session: "one")] && content.isTorn && content.unreadable.isEmpty)
        try next.append([.due(session: "two")])
        #expect(try OutboxJournal.read(folder.path)?.records == [.due(session: "one"), .due(session: "two")])
    }

    @Test func aFileThatManyShortProcessesLengthenIsShortened() throws {
        let folder = Folder()
        let journal = try OutboxJournal(folder.path)
        _ = try journal.load()
        try journal.append((0..<40_000).map { .due(session: "session-\($0)") })
        let next = try OutboxJournal(folder.path)
        _ = try next.load()
        #expect(next.wantsRewrite)
        try next.rewrite([.due(session: "one")])
        #expect(!next.wantsRewrite)
    }

    @Test func anUnreadableLineIsNamedAndKept() throws {
        let folder = Folder()
        let journal = try OutboxJournal(folder.path)
        _ = try journal.load()
        try journal.append([.due(session: "one")])
        try folder.append("\0\0\0\n")
        let next = try OutboxJournal(folder.path)
        let content = try next.load()
        #expect(content.unreadable == [2] && content.records.count == 1)
        try next.rewrite(content.records)
        try next.append([.due(session: "two")])
        #expect(try OutboxJournal.read(folder.path)?.records.count == 2)
        let kept = try Data(contentsOf: URL(fileURLWithPath: folder.file + ".damaged"))
        #expect(kept.suffix(4) == Data([0, 0, 0, 10]))
    }

    @Test func aFileThatCannotBeReadIsNoEmptyOutbox() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.file, withIntermediateDirectories: true)
        #expect(throws: NotifyError.self) { try OutboxReport(store: folder.path) }
        #expect(throws: NotifyError.self) { _ = try OutboxJournal(folder.path) }
        #expect(try OutboxReport(store: folder.path + "/none").channels.isEmpty)
    }
}
