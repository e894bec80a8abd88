import Catalog
import Glibc
import Harvest
import Pack
import Synchronization
import Terminal

/// What a daemon counts, for `/metrics`, `/healthz` and the service manager; told by the harvest, read by whoever asks.
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
        /// When the loop last said that it is alive.
        var alive: Int64 = TimeText.now()
    }

    private let counts = Mutex(Counts())

    /// The counts as they are.
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

/// Whether a daemon does its work, in one word and a reason.
struct WatchHealth: Equatable {
    /// Nil while all is well.
    let trouble: String?

    /// Judges the counts; a pure function.
    ///
    /// - Parameters:
    ///   - pollInterval: between two lists, in milliseconds.
    ///   - listLimit: how long a list may take, in milliseconds.
    ///   - now: milliseconds since 1970.
    init(_ counts: WatchMetrics.Counts, pollInterval: Int64, listLimit: Int64 = 120_000, now: Int64) {
        // Lists of large fleets take their time, and a failed one is tried again: three of them missing is trouble.
        let patience = max(60_000, pollInterval * 3)
        let lastList = counts.progress.listed ?? counts.started
        if let pause = counts.pause {
            trouble = "paused: \(pause)"
        } else if now - counts.alive > 30_000 {
            trouble = "the loop has not moved for \(TimeText.span(now - counts.alive))"
        } else if Self.isStuck(counts.progress, since: counts.started, listLimit: listLimit + pollInterval, now: now) {
            let since = counts.progress.polled ?? counts.started
            trouble = "no list has ended, whole or not, for \(TimeText.span(now - since))"
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
    /// Whether the part of the loop that lists has stopped moving: a list ends within its limit, whole or not, and the next
    /// one begins within the longest sensible interval.
    static func isStuck(_ progress: HarvestProgress, since started: Int64, listLimit: Int64, now: Int64) -> Bool {
        now - (progress.polled ?? started) > listLimit + patience
    }

    /// What lies between two ends of lists beside the lists themselves, in milliseconds: the wait for an answer to begin,
    /// for the next turn, and for the catalog.
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
        metric("build_info", "gauge", "The version at work.", [("{version=\"\(salvageVersion)\"}", "1")])
        gauge("running_sessions", "Sessions thought to run.", progress.running)
        gauge("pending_sessions", "Sessions that ended and are not done: the backlog.", progress.pending)
        gauge("downloads", "Downloads under way.", progress.downloading)
        gauge("ingests", "Ingests under way.", progress.ingesting)
        let states: [SessionState] = [.harvested, .partial, .skipped, .lost]
        metric(
            "settled_sessions_total", "counter", "Sessions done since the start; their rate is the drain rate.",
            states.map { ("{state=\"\($0.rawValue)\"}", "\(counts.settled[$0] ?? 0)") })
        counter("missing_artifacts_total", "Artifacts lost, failed or kept in part.", counts.missingArtifacts)
        gauge(
            "absent_paths", "Paths of rules that exist in no session, in three at least: most likely written wrongly.",
            counts.absentPaths.count)
        if !counts.absentPaths.isEmpty {
            metric(
                "absent_path_sessions", "gauge", "Sessions that were asked for a path that exists in none.",
                counts.absentPaths.map { path in
                    let labels = "{rule=\"\(label(path.rule ?? ""))\",path=\"\(label(path.path))\"}"
                    return (labels, "\(path.sessions)")
                })
        }
        if let deadline = progress.nearestDeadline {
            metric(
                "deadline_seconds", "gauge",
                "Until the nearest deadline of a pending session; negative once it is past.",
                [("", seconds(deadline - now))])
        }
        counter("downloaded_bytes_total", "Bytes downloaded since the start.", progress.bytes)
        counter("throttled_requests_total", "Requests answered with 429 or 503.", progress.throttled)
        counter("list_failures_total", "Lists of sessions that failed or were cut.", counts.listFailures)
        gauge(
            "unreadable_list_entries", "Entries of the last list of sessions that could not be read and were left out.",
            progress.unreadable.values.max() ?? 0)
        if let listed = progress.listed {
            metric(
                "last_list_timestamp_seconds", "gauge", "When the last complete list ended.", [("", seconds(listed))])
        }
        counter(
            "quarantined_total", "Downloads that were proven to crash or stall the child that reads them.",
            counts.quarantined)
        counter(
            "packing_deferred_total", "Tries to pack that this machine failed; the downloads wait in the spool.",
            counts.packingDeferred)
        counter("store_troubles_total", "Writes of the ledger that failed and were tried again.", counts.storeTroubles)
        gauge("paused", "1 while the token is refused and every request waits.", counts.pause == nil ? 0 : 1)
        counter("reloads_total", "Configurations reloaded.", counts.reloads)
        if let free = StoreExamination.free(store) { gauge("free_bytes", "Free on the store's disk.", free) }
        return text + ProcessFigures.text()
    }

    /// A label's value as the format wants it.
    private static func label(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        let magnitude = milliseconds.magnitude
        let fraction = String(1000 + magnitude % 1000).dropFirst()
        return (milliseconds < 0 ? "-" : "") + "\(magnitude / 1000).\(fraction)"
    }
}

/// What the process itself takes, under the names that Prometheus' own clients use.
private enum ProcessFigures {
    static func text() -> String {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        var text = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total \(seconds)\n"
        if let pages = (try? SmallFile.text("/proc/self/statm", limit: 4096, what: "memory"))?.split(separator: " ")
            .dropFirst().first.flatMap({ Int($0) })
        {
            text += "# TYPE process_resident_memory_bytes gauge\n"
            text += "process_resident_memory_bytes \(pages * Int(getpagesize()))\n"
        }
        if let handle = opendir("/proc/self/fd") {
            var count = -3
            while readdir(handle) != nil { count += 1 }
            closedir(handle)
            text += "# TYPE process_open_fds gauge\nprocess_open_fds \(max(0, count))\n"
        }
        return text
    }
}
