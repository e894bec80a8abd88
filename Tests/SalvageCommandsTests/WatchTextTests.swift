import Catalog
import Glibc
import Harvest
import Ingest
import Model
import Pack
import SalvageConfiguration
import Testing

@testable import SalvageCommands

@Suite struct WatchTextTests {
    @Test func healthNamesTheWorstTrouble() {
        var counts = WatchMetrics.Counts()
        counts.started = 1_000_000
        counts.alive = 1_000_000
        func trouble(after milliseconds: Int64) -> String? {
            var counts = counts
            counts.alive = 1_000_000 + milliseconds
            return WatchHealth(counts, pollInterval: 5000, now: 1_000_000 + milliseconds).trouble
        }
        #expect(trouble(after: 50_000) == nil)
        #expect(trouble(after: 61_000)?.contains("no complete list") == true)
        counts.progress.listed = 1_050_000
        #expect(trouble(after: 61_000) == nil)
        counts.progress.nearestDeadline = 1_060_000
        #expect(trouble(after: 61_000)?.contains("past its deadline") == true)
        counts.pause = "401"
        #expect(trouble(after: 61_000) == "paused: 401")
        counts.pause = nil
        #expect(WatchHealth(counts, pollInterval: 5000, now: 1_031_000).trouble?.contains("not moved") == true)
    }

    @Test func aListThatNeverEndsIsSeenByHealthAndByTheManager() throws {
        var counts = WatchMetrics.Counts()
        counts.started = 1_000_000
        counts.progress.listed = 2_000_000
        func trouble(at now: Int64) -> String? {
            counts.alive = now
            counts.progress.listed = now
            return WatchHealth(counts, pollInterval: 5000, listLimit: 60_000, now: now).trouble
        }
        // The loop reports progress, but no list has ended since its start.
        #expect(trouble(at: 1_300_000) == nil)
        #expect(trouble(at: 1_400_000)?.contains("no list has ended") == true)
        counts.progress.polled = 1_390_000
        #expect(trouble(at: 1_400_000) == nil)

        let path = "/tmp/salvage-notify-\(getpid())"
        let manager = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(manager)
            unlink(path)
        }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(manager, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        func said() -> [String] {
            var said: [String] = []
            var bytes = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(manager, &bytes, bytes.count, Int32(MSG_DONTWAIT)), count > 0 {
                said.append(String(decoding: bytes[..<count], as: UTF8.self))
            }
            return said
        }
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000"])
        notifier.alive(HarvestProgress())
        #expect(said().contains("WATCHDOG=1"))
        usleep(5000)
        notifier.alive(HarvestProgress(), isStuck: true)
        #expect(!said().contains("WATCHDOG=1"))
        usleep(5000)
        notifier.alive(HarvestProgress(), isStuck: false)
        #expect(said().contains("WATCHDOG=1"))
    }

    @Test func theConfigurationKnowsEveryBarrier() {
        #expect(Set(SalvageConfiguration.Configuration.Confinement.barriers) == Set(Barriers.all))
    }

    @Test func metricsAreOneSampleALineWithTheirTypes() {
        let metrics = WatchMetrics()
        var progress = HarvestProgress()
        progress.running = 3
        progress.nearestDeadline = 8500
        metrics.show(progress)
        metrics.note(
            .settled(
                session: "s", .lost,
                [ArtifactEntry(artifact: "/a", state: .lost), ArtifactEntry(artifact: "/b", state: .absent)]))
        let text = MetricsText.render(metrics.now, store: "/", now: 10_000)
        let lines = text.split(separator: "\n")
        #expect(lines.contains("salvage_running_sessions 3"))
        #expect(lines.contains("salvage_deadline_seconds -1.500"))
        #expect(lines.contains("salvage_settled_sessions_total{state=\"lost\"} 1"))
        #expect(lines.contains("salvage_missing_artifacts_total 1"))
        #expect(lines.contains("# TYPE salvage_downloaded_bytes_total counter"))
        let samples = lines.filter { !$0.hasPrefix("#") }
        #expect(
            samples.allSatisfy { $0.split(separator: " ").count == 2 && Double($0.split(separator: " ")[1]) != nil })
        #expect(samples.contains { $0.hasPrefix("process_open_fds ") })
    }
}
