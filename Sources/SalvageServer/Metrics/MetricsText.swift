public import CrashExport
import Files
import Glibc
public import Harvest
import Model
public import Notify
import Store
import Text

/// The counts in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
public enum MetricsText {
    /// Renders the counts of a daemon.
    ///
    /// - Parameters:
    ///   - counts: what the harvest counted.
    ///   - channels: the state of the channels of notifications.
    ///   - exports: the state of the services outside that receive crashes.
    ///   - store: the store's folder, whose free space is a metric.
    ///   - now: milliseconds since 1970.
    public static func render(
        _ counts: WatchMetrics.Counts, channels: [ChannelReport] = [], exports: [CrashExportReport] = [], store: String,
        now: Int64
    ) -> String {
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]) {
            text += "# HELP salvage_\(name) \(help)\n# TYPE salvage_\(name) \(type)\n"
            for sample in samples { text += "salvage_\(name)\(sample.labels) \(sample.value)\n" }
        }
        func samples(
            _ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]
        ) {
            // Without a sample there is nothing to describe.
            if !samples.isEmpty { metric(name, type, help, samples) }
        }
        func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
            metric(name, "gauge", help, [("", "\(value)")])
        }
        func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
            metric(name, "counter", help, [("", "\(value)")])
        }
        let progress = counts.progress
        metric("build_info", "gauge", "The running version.", [("{version=\"\(salvageVersion)\"}", "1")])
        gauge("running_sessions", "Sessions believed to be running.", progress.running)
        gauge("pending_sessions", "Sessions that exited and are not done: the backlog.", progress.pending)
        gauge("downloads", "Downloads in progress.", progress.downloading)
        gauge("ingests", "Ingests in progress.", progress.ingesting)
        let states: [SessionState] = [.harvested, .partial, .skipped, .lost]
        metric(
            "settled_sessions_total", "counter", "Sessions done since the start; their rate is the drain rate.",
            states.map { ("{state=\"\($0.rawValue)\"}", "\(counts.settled[$0] ?? 0)") })
        counter("missing_artifacts_total", "Artifacts lost, failed or incomplete.", counts.missingArtifacts)
        gauge(
            "absent_paths", "Rule paths that were absent in every session, at least three: probably misspelled.",
            counts.absentPaths.count)
        samples(
            "absent_path_sessions", "gauge", "Sessions in which a path was requested that exists in none.",
            bounded(counts.absentPaths).map { path in
                let labels = "{rule=\"\(label(path.rule ?? ""))\",path=\"\(label(path.path))\"}"
                return (labels, "\(path.sessions)")
            })
        samples(
            "rule_absent_paths", "gauge", "Paths of a rule that were absent in every session.",
            byRule(counts.absentPaths).map { ("{rule=\"\(label($0.rule))\"}", "\($0.count)") })
        samples(
            "crashes_total", "counter",
            "Crashes of sessions packed since the start; those of places beyond the first 199 are under other.",
            counts.crashes.rows.map { row in
                let place = "image=\"\(label(row.image))\",tag=\"\(label(row.tag))\""
                return ("{\(place),location=\"\(label(row.location))\"}", "\(row.count)")
            })
        counter("new_signatures_total", "Crashes with a signature never seen before.", counts.newSignatures)
        counter(
            "returned_signatures_total",
            "Crashes with a signature that was fixed, in a build that should have the fix.",
            counts.returnedSignatures)
        func channel(_ name: String, _ type: String, _ help: String, _ value: (ChannelReport) -> Int) {
            samples(name, type, help, channels.map { ("{channel=\"\(label($0.channel))\"}", "\(value($0))") })
        }
        channel("notifications_waiting", "gauge", "Events that wait for delivery.") { $0.waiting }
        channel("notifications_delivered_total", "counter", "Messages that the channel took.") { $0.delivered }
        channel("notifications_failed_total", "counter", "Events that were given up.") { $0.failed }
        channel("notification_failures_total", "counter", "Tries that failed.") { $0.failures }
        func service(_ name: String, _ type: String, _ help: String, _ value: (CrashExportReport) -> Int) {
            samples(name, type, help, exports.map { ("{service=\"\(label($0.service))\"}", "\(value($0))") })
        }
        service("exports_waiting", "gauge", "Crashes that wait to be sent.") { $0.waiting }
        service("exports_sent_total", "counter", "Crashes that the service took.") { $0.sent }
        service("exports_skipped_total", "counter", "Crashes that will not be sent.") { $0.skipped }
        service("export_failures_total", "counter", "Tries that failed.") { $0.failures }
        service("exports_paused", "gauge", "1 while nothing is sent until someone changes something.") {
            $0.paused == nil ? 0 : 1
        }
        if let deadline = progress.nearestDeadline {
            metric(
                "deadline_seconds", "gauge",
                "Time until the nearest deadline of a pending session; negative once it is past.",
                [("", seconds(deadline - now))])
        }
        counter("downloaded_bytes_total", "Bytes downloaded since the start.", progress.bytes)
        counter("throttled_requests_total", "Requests answered with 429 or 503.", progress.throttled)
        counter("list_failures_total", "Session lists that failed or were cut off.", counts.listFailures)
        gauge(
            "unreadable_list_entries", "Entries of the last session list that could not be read and were left out.",
            progress.unreadable.values.max() ?? 0)
        if let listed = progress.listed {
            metric(
                "last_list_timestamp_seconds", "gauge", "When the last complete list ended.", [("", seconds(listed))])
        }
        counter(
            "quarantined_total",
            "Downloads quarantined because they crash or stall the confined process that reads them.",
            counts.quarantined)
        counter(
            "packing_deferred_total", "Attempts to pack that failed on this machine; the downloads stay in the spool.",
            counts.packingDeferred)
        counter("store_troubles_total", "Ledger writes that failed and were retried.", counts.storeTroubles)
        gauge("paused", "1 while the token is rejected and every request waits.", counts.pause == nil ? 0 : 1)
        counter("reloads_total", "Configuration reloads.", counts.reloads)
        if let free = StoreFolder.freeBytes(store) { gauge("free_bytes", "Free space on the store's disk.", free) }
        return text + ProcessFigures.text()
    }

    /// Escapes a label's value.
    private static func label(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    /// The most series of one metric.
    private static let mostSeries = 200

    private static func bounded(_ paths: [AbsentPath]) -> ArraySlice<AbsentPath> { paths.prefix(mostSeries) }

    /// The number of absent paths by rule; rules beyond the most series are counted together.
    private static func byRule(_ paths: [AbsentPath]) -> [(rule: String, count: Int)] {
        var counts = ByteDictionary<Int>()
        for path in paths { counts[path.rule ?? "", default: 0] += 1 }
        // A rule may have the name that stands for all further ones.
        let named = counts.removeValue(forKey: "other") ?? 0
        let sorted = counts.sortedByKey
        let kept = sorted.prefix(mostSeries - 1).map { (rule: $0.key, count: $0.value) }
        let rest = sorted.dropFirst(mostSeries - 1).reduce(named) { $0 + $1.value }
        return rest == 0 ? kept : kept + [(rule: "other", count: rest)]
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        let magnitude = milliseconds.magnitude
        let fraction = String(1000 + magnitude % 1000).dropFirst()
        return (milliseconds < 0 ? "-" : "") + "\(magnitude / 1000).\(fraction)"
    }
}

/// The resources that the process uses, under the names of Prometheus' client libraries.
private enum ProcessFigures {
    static func text() -> String {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        var text = metric(
            "process_cpu_seconds_total", "counter", "CPU time that the process used, in seconds.", "\(seconds)")
        if let pages = (try? TextFile.read("/proc/self/statm", limit: 4096, what: "memory"))?.split(separator: " ")
            .dropFirst().first.flatMap({ Int($0) })
        {
            text += metric(
                "process_resident_memory_bytes", "gauge", "Resident memory of the process.",
                "\(pages * Int(getpagesize()))")
        }
        if let open = try? OpenFolder(path: "/proc/self/fd").names() {
            // The folder's own descriptor and that of its listing are two of them.
            text += metric(
                "process_open_fds", "gauge", "Open file descriptors of the process.", "\(max(0, open.count - 2))")
        }
        return text
    }

    private static func metric(_ name: String, _ type: String, _ help: String, _ value: String) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(value)\n"
    }
}
