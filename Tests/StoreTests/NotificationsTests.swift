import Catalog
import Foundation
import Harvest
import Model
import SalvageConfiguration
import Testing

@testable import Store

/// Events that an earlier process may not have queued before it was killed.
@Suite struct NotificationsTests {
    private static let channel = """
        notify:
          channels:
            - {name: a, type: command, command: [/bin/true], burst: 0s}
        """

    /// Runs a process's notifications from start to end, and returns the outbox's lines.
    private func journal(after record: String, in store: RealStore) async throws -> [String] {
        let folder = store.path + "/notify"
        let path = folder + "/outbox.jsonl"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try (record + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        let notifications = try Notifications(
            store: .folder(store.path), current: CurrentConfiguration(try Configuration.parse(Self.channel)),
            environment: [:], observer: HarvestObserver())
        notifications.start(isDaemon: false)
        await notifications.finish(within: 20_000)
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test(arguments: [SessionState.lost, .partial])
    func aLossThatTheLedgerHasIsToldAfterAKill(_ state: SessionState) async throws {
        let store = try RealStore()
        let gone = ArtifactEntry(artifact: "logs", state: .lost, reason: "the container is gone")
        try store.catalog().record(
            LedgerBatch(
                sessions: [SessionUpdate(session: "raid-1", state: state, reason: "gone")],
                artifacts: [ArtifactRecord(session: "raid-1", entry: gone)]))
        let lines = try await journal(after: #"{"record":"due","session":"raid-1"}"#, in: store)
        let events = lines.filter { $0.contains(#""record":"queued""#) }
        #expect(events.count == 1 && events.first?.contains(#""id":"lost:raid-1""#) == true, "\(lines)")
        #expect(events.first?.contains("logs (the container is gone)") == true)
        #expect(lines.contains { $0.contains(#""record":"considered""#) }, "\(lines)")
        #expect(lines.contains { $0.contains(#""record":"delivered""#) }, "\(lines)")
    }

    @Test func whatTheLedgerDoesNotHaveIsNotTold() async throws {
        let store = try RealStore()
        let gone = ArtifactEntry(artifact: "logs", state: .lost, reason: "the container is gone")
        try store.catalog().record(
            LedgerBatch(
                sessions: [SessionUpdate(session: "raid-1", state: .pending)],
                artifacts: [ArtifactRecord(session: "raid-1", entry: gone)]))
        for session in ["raid-1", "raid-2"] {
            let lines = try await journal(after: #"{"record":"due","session":"\#(session)"}"#, in: store)
            #expect(!lines.contains { $0.contains(#""record":"queued""#) }, "\(lines)")
            #expect(lines.contains { $0.contains(#""record":"considered""#) }, "\(lines)")
        }
    }
}
