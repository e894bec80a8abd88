import Catalog
import Files
import Glibc
import Harvest
import Model
import Pack
import SalvageConfiguration
import Store
import Synchronization
import Terminal

/// The counts of a daemon, for `/metrics`, `/healthz` and the service manager. The harvest writes them; any thread may
/// read them.
final class WatchMetrics: Sendable {
    /// The counts at one moment.
    struct Counts: Sendable {
        var progress = HarvestProgress()
        var settled: [SessionState: Int] = [:]
        var missingArtifacts = 0
        var listFailures = 0
        var quarantined = 0
        var packingDeferred = 0
        var storeTroubles = 0
        var reloads = 0
        var pause: String?
        var absentPaths: [AbsentPath] = []
        var started: Int64 = TimeText.now()
        /// When the loop last reported progress, in milliseconds since 1970.
        var alive: Int64 = TimeText.now()
    }

    private let counts = Mutex(Counts())

    /// The current counts.
    var now: Counts { counts.withLock { $0 } }

    func show(_ progress: HarvestProgress) {
        counts.withLock { counts in
            counts.progress = progress
            counts.alive = TimeText.now()
        }
    }

    func noteReload() { counts.withLock { $0.reloads += 1 } }

    func note(_ event: HarvestEvent) {
        counts.withLock { counts in
            switch event {
            case .settled(_, let state, let outcomes):
                counts.settled[state, default: 0] += 1
                counts.missingArtifacts += outcomes.count { [.lost, .failed, .incomplete].contains($0.state) }
            case .listFailed: counts.listFailures += 1
            case .paused(let pause): counts.pause = pause.message
            case .resumed: counts.pause = nil
            case .storeTrouble: counts.storeTroubles += 1
            case .quarantined: counts.quarantined += 1
            case .packingDeferred: counts.packingDeferred += 1
            case .absentPaths(let paths, _): counts.absentPaths = paths
            default: break
            }
        }
    }
}

/// Whether a daemon does its work, and if not, why.
struct WatchHealth: Equatable {
    /// What is wrong; nil when all is well.
    let trouble: String?

    /// Judges the counts; a pure function.
    ///
    /// - Parameters:
    ///   - pollInterval: the time between two lists, in milliseconds.
    ///   - listLimit: how long a list may take, in milliseconds.
    ///   - now: milliseconds since 1970.
    init(_ counts: WatchMetrics.Counts, pollInterval: Int64, listLimit: Int64 = 120_000, now: Int64) {
        // Lists of large fleets take long, and a failed one is retried: only three missing lists are trouble.
        let patience = max(60_000, pollInterval * 3)
        let lastList = counts.progress.listed ?? counts.started
        if let pause = counts.pause {
            trouble = "paused: \(pause)"
        } else if now - counts.alive > 30_000 {
            trouble = "the loop has not moved for \(TimeText.span(now - counts.alive))"
        } else if Self.isStuck(counts.progress, since: counts.started, listLimit: listLimit + pollInterval, now: now) {
            let since = counts.progress.polled ?? counts.started
            trouble = "no list has ended, complete or not, for \(TimeText.span(now - since))"
        } else if now - lastList > patience {
            trouble = "no complete list of sessions for \(TimeText.span(now - lastList))"
        } else if let deadline = counts.progress.nearestDeadline, deadline < now {
            trouble = "a session is \(TimeText.span(now - deadline)) past its deadline"
        } else {
            trouble = nil
        }
    }
}

extension WatchHealth {
    /// Whether listing is stuck: a list, complete or not, ends within its limit, and the next one starts within the
    /// longest sensible interval.
    static func isStuck(_ progress: HarvestProgress, since started: Int64, listLimit: Int64, now: Int64) -> Bool {
        now - (progress.polled ?? started) > listLimit + patience
    }

    /// The time allowed between the ends of two lists besides the list and the poll interval, in milliseconds: the
    /// waits for the response to begin, for the next turn of the loop, and for the catalog.
    private static let patience: Int64 = 300_000
}

/// The counts in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
enum MetricsText {
    static func render(_ counts: WatchMetrics.Counts, store: String, now: Int64) -> String {
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]) {
            text += "# HELP salvage_\(name) \(help)\n# TYPE salvage_\(name) \(type)\n"
            for sample in samples { text += "salvage_\(name)\(sample.labels) \(sample.value)\n" }
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
        if !counts.absentPaths.isEmpty {
            metric(
                "absent_path_sessions", "gauge", "Sessions in which a path was requested that exists in none.",
                counts.absentPaths.map { path in
                    let labels = "{rule=\"\(label(path.rule ?? ""))\",path=\"\(label(path.path))\"}"
                    return (labels, "\(path.sessions)")
                })
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
        var text = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total \(seconds)\n"
        if let pages = (try? TextFile.read("/proc/self/statm", limit: 4096, what: "memory"))?.split(separator: " ")
            .dropFirst().first.flatMap({ Int($0) })
        {
            text += "# TYPE process_resident_memory_bytes gauge\n"
            text += "process_resident_memory_bytes \(pages * Int(getpagesize()))\n"
        }
        if let open = try? OpenFolder(path: "/proc/self/fd").names() {
            // The folder's own descriptor and that of its listing are two of them.
            text += "# TYPE process_open_fds gauge\nprocess_open_fds \(max(0, open.count - 2))\n"
        }
        return text
    }
}
