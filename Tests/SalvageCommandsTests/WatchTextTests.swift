import Catalog
import Harvest
import Pack
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

    @Test func metricsAreOneSampleALineWithTheirTypes() {
        let metrics = WatchMetrics()
        var progress = HarvestProgress()
        progress.running = 3
        progress.nearestDeadline = 8500
        metrics.show(progress)
        metrics.note(.settled(session: "s", .lost, [ArtifactOutcome("/a", .lost), ArtifactOutcome("/b", .absent)]))
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
