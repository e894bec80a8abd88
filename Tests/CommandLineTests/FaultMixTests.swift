import Foundation
import Sandbox
import Testing

/// Faults dealt at random, by a seed, to a fleet: every session must end in the state that its fault implies.
///
/// 200 sessions unless SALVAGE_FAULT_SESSIONS says otherwise; SALVAGE_FAULT_SEED chooses the deal.
@Suite(.serialized) struct FaultMixTests {
    /// The state that a fault of the standard mix implies, before the deadline and after it.
    static func implied(_ faults: Faults?, isPastDeadline: Bool) -> String {
        guard let faults else { return "harvested" }
        if faults.archive == .garbage { return "partial" }
        // It ends as if it were whole, twice at the same byte: that is what there is to be had.
        if faults.cutAt != nil, faults.cutEnding == .clean { return "partial" }
        // Cut off, or silent for longer than limits.stall: tried until the deadline, and kept in part then.
        if faults.cutAt != nil || faults.stallAt != nil { return isPastDeadline ? "partial" : "pending" }
        // Nothing is known of its end as long as its host does not answer.
        if faults.status != nil, faults.statusSeconds == nil { return "running" }
        return "harvested"
    }

    @Test func everySessionEndsInTheStateThatItsFaultImplies() async throws {
        let variables = ProcessInfo.processInfo.environment
        let count = variables["SALVAGE_FAULT_SESSIONS"].flatMap { Int($0) } ?? 200
        let seed = variables["SALVAGE_FAULT_SEED"].flatMap { UInt64($0) } ?? 7
        let mix = FaultMix(seed: seed, share: 0.5)
        // Many take longer than the shortest retention; they are judged before the deadline.
        let waits = count <= 1000
        let stage = try await LiveStage(
            more: "retention: \(waits ? "60s" : "4h")\nlimits: { stall: 500ms, concurrency: 16, requests_per_minute: "
                + "{ list: 60000, describe: 600000, artifacts: 600000, logs: 600000 } }", follow: false
        ) {
            $0.fleet = SandboxFleet(running: count, artifactBytes: 100_000, seed: seed)
            $0.faultMix = mix
            $0.retention = 4 * 3600
        }
        let began = Date()
        #expect(try await stage.salvage("harvest").status == 0)
        let ids = try await stage.salvage("sessions", "--json").objects.compactMap { $0["session"] as? String }
        #expect(ids.count == count)
        #expect(stage.server.endFleetSessions(count) == count)
        // Passes, as cron makes them, until the deadline has passed and one pass more; or ten of them.
        var passes = 0
        let ended = Date()
        var isLast = false
        while !isLast {
            isLast = waits ? Date().timeIntervalSince(ended) > 75 : passes >= 9
            let pass = try await stage.salvage("harvest", "--quiet")
            #expect(pass.status == 0 || pass.status == 3, "\(pass.err)")
            passes += 1
            try await Task.sleep(for: .seconds(1))
        }
        let found = try await stage.salvage("sessions", "--json").objects.reduce(into: [String: String]()) {
            $0[$1["session"] as? String ?? ""] = $1["state"] as? String
        }
        var tally: [String: Int] = [:]
        var wrong: [String] = []
        for id in ids {
            let wanted = Self.implied(mix.faults(of: id), isPastDeadline: waits)
            tally[wanted, default: 0] += 1
            if found[id] != wanted {
                wrong.append("\(id): \(found[id] ?? "none") instead of \(wanted), \(mix.faults(of: id)?.json ?? "")")
            }
        }
        print(
            "fault mix: seed \(seed), \(count) sessions, implied \(tally.sorted { $0.key < $1.key }), "
                + "\(wrong.count) wrong, \(passes) passes, \(Int(Date().timeIntervalSince(began))) s")
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        #expect(try await stage.salvage("verify").status == 0)
        await stage.server.stop()
    }
}
