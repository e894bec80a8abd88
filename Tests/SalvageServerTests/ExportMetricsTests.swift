import CrashExport
import Harvest
import Testing

@testable import SalvageServer

@Suite struct ExportMetricsTests {
    @Test func theServiceIsCounted() {
        var report = CrashExportReport()
        report.waiting = 3
        report.sent = 120
        report.skipped = 2
        report.paused = "HTTP 401"
        let text = MetricsText.render(WatchMetrics().now, exports: [report], store: "/", now: 0)
        for line in [
            #"salvage_exports_waiting{service="sentry"} 3"#, #"salvage_exports_sent_total{service="sentry"} 120"#,
            #"salvage_exports_skipped_total{service="sentry"} 2"#, #"salvage_exports_paused{service="sentry"} 1"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test func nothingIsSaidWithoutAService() {
        #expect(!MetricsText.render(WatchMetrics().now, store: "/", now: 0).contains("salvage_export"))
    }
}
