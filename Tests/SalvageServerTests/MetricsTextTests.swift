import Harvest
import Model
import Notify
import Testing

@testable import SalvageServer

@Suite struct MetricsTextTests {
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

    @Test func everyMetricHasHelpAndType() {
        let metrics = WatchMetrics()
        metrics.note(.crashed(crash("arena", "1.0", "eu")))
        metrics.note(.absentPaths([AbsentPath(rule: "all", path: "/a", sessions: 3)], fresh: []))
        var channel = ChannelReport(channel: "crashes")
        channel.waiting = 2
        let lines = MetricsText.render(metrics.now, channels: [channel], store: "/", now: 0).split(separator: "\n")
        for line in lines where !line.hasPrefix("#") {
            let name = line.prefix { $0 != "{" && $0 != " " }
            #expect(lines.contains { $0.hasPrefix("# HELP \(name) ") }, "\(name)")
            #expect(lines.filter { $0.hasPrefix("# TYPE \(name) ") }.count == 1, "\(name)")
        }
        #expect(lines.contains("salvage_crashes_total{image=\"arena\",tag=\"1.0\",location=\"eu\"} 1"))
        #expect(lines.contains("salvage_new_signatures_total 1"))
        #expect(lines.contains("salvage_rule_absent_paths{rule=\"all\"} 1"))
        #expect(lines.contains("salvage_notifications_waiting{channel=\"crashes\"} 2"))
    }

    @Test func theNumberOfSeriesIsBounded() {
        let metrics = WatchMetrics()
        for index in 0..<1000 { metrics.note(.crashed(crash("arena", "\(index)", "eu"))) }
        metrics.note(.crashed(crash("other", "other", "other")))
        metrics.note(.crashed(crash("a\"b\\c\nd", "1", nil)))
        let lines = MetricsText.render(metrics.now, store: "/", now: 0).split(separator: "\n")
            .filter { $0.hasPrefix("salvage_crashes_total{") }
        #expect(lines.count == 200)
        #expect(Set(lines.map { $0.prefix { $0 != "}" } }).count == 200)
        #expect(lines.contains("salvage_crashes_total{image=\"other\",tag=\"other\",location=\"other\"} 803"))
    }

    private func crash(_ image: String, _ tag: String, _ location: String?) -> HarvestedCrash {
        HarvestedCrash(
            crash: "c", session: "s", image: image, tag: tag, location: location, signature: "boom", novelty: .new)
    }
}
