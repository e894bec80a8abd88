import CConfinement
import CFiles
import Glibc
import Model
import Pack

/// The barriers between a hostile archive and this machine.
public enum Barriers {
    /// The names of all barriers, as in the configuration and in the output of `doctor`.
    public static var all: [String] { names(~0) }

    /// Starts a child as an ingest does, without input. Returns the names of the barriers that took effect in it, and
    /// of those missing on this machine.
    ///
    /// - Throws: ``IngestError`` when the child cannot be started or dies; an ingest would fail, too.
    public static func probe(_ process: IngestProcess = IngestProcess()) throws -> (
        effective: [String], missing: [String]
    ) {
        let pack = salvage_memfd("salvage-probe")
        guard pack >= 0 else { throw IngestError(.packFailed, "cannot create a file in memory: \(reason())") }
        defer { close(pack) }
        var job = IngestJob(session: SessionMetadata(session: "barriers", image: ""), artifacts: [], inputs: [])
        job.limits.allowMissing = all
        let effective = try process.wait(job, inputs: [], previous: nil, pack: pack).barriers
        return (effective, all.filter { !effective.contains($0) })
    }

    /// Checks, before anything is fetched, that this machine has every required barrier.
    ///
    /// - Parameter allowed: the names of the barriers that may be missing.
    /// - Throws: ``IngestError`` with code `unconfined` when a required one is missing.
    public static func require(except allowed: [String]) throws(IngestError) {
        let missing = names(~salvage_available_barriers()).filter { !allowed.contains($0) }
        guard missing.isEmpty else { throw error(missing, because: "not available on this machine") }
    }

    static func error(_ missing: [String], because why: String) -> IngestError {
        var error = IngestError(
            .unconfined,
            "the confined process cannot be set up: \(missing.joined(separator: ", ")): \(why)"
        )
        error.missing = missing
        return error
    }

    static func names(_ bits: UInt32) -> [String] {
        (0..<32).compactMap { bit in
            guard bits & (1 << bit) != 0, let name = salvage_barrier_name(1 << bit) else { return nil }
            return String(cString: name)
        }
    }
}
