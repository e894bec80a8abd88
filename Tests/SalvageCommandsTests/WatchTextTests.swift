import Harvest
import Ingest
import Model
import SalvageConfiguration
import Testing

@testable import SalvageCommands

@Suite struct WatchTextTests {
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
