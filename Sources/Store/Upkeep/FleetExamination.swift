import Catalog
import Terminal
import Text

/// Checks the harvesters of a shared store and what waits for them.
struct FleetExamination {
    /// A harvester renews its leases every quarter of their length; one that is silent for longer than this has stopped.
    private static let silence: Int64 = 120_000
    /// How far compaction of filters and deletion of garbage may lag before it needs attention, in milliseconds.
    private static let lag: Int64 = 6 * 3_600_000
    /// Objects that may be deleted and are not.
    private static let mostDue = 10_000

    private let status: FleetStatus

    init(_ status: FleetStatus) { self.status = status }

    var findings: [Finding] {
        var findings: [Finding] = []
        let alive = status.harvesters.filter { $0.lastSeen <= Self.silence }
        for silent in status.harvesters where silent.lastSeen > Self.silence && silent.leases > 0 {
            findings.append(
                .warning(
                    "harvesters",
                    "\(silent.id) was last seen \(TimeText.span(silent.lastSeen)) ago and has "
                        + counted(silent.leases, "session"), hint: "others claim them when its leases end"))
        }
        if alive.isEmpty {
            let waiting = status.pending + status.leased
            findings.append(
                waiting > 0
                    ? .warning(
                        "harvesters", "no harvester runs, and \(counted(waiting, "session waits", "sessions wait"))",
                        hint: "start salvage watch")
                    : .note("harvesters", "no harvester runs"))
        } else {
            findings.append(
                .ok("harvesters", "\(counted(alive.count, "harvester")): \(alive.map(\.id).joined(separator: ", "))"))
        }
        let versions = Set(alive.compactMap(\.version)).sorted()
        if versions.count > 1 {
            findings.append(
                .note(
                    "harvesters", "they have different versions: \(versions.joined(separator: ", "))",
                    hint: "during an upgrade that is expected; docs/fleet.md has the order"))
        }
        if status.oftenLeft > 0 {
            findings.append(
                .warning(
                    "harvesters",
                    "\(counted(status.oftenLeft, "session was", "sessions were")) claimed and left three times or more",
                    hint: "one of them may end the process that packs it; look into the harvesters' logs"))
        }
        if let level = status.levels.first(where: { $0.level == 0 }), level.oldest > Self.lag {
            findings.append(
                .warning(
                    "filters", "the oldest filters that are not compacted are \(TimeText.span(level.oldest)) old",
                    hint: "searches get slower; is a harvester running?"))
        }
        if status.garbageDue > Self.mostDue {
            findings.append(
                .warning(
                    "garbage", "\(counted(status.garbageDue, "object")) could have been deleted",
                    hint: "is a harvester running, and may its key delete objects?"))
        }
        return findings
    }
}
