import CShims
import Glibc
import Pack

/// The barriers between a hostile archive and this machine.
public enum Barriers {
    /// The names of all barriers, as the configuration and `doctor` write them.
    public static var all: [String] { names(~0) }

    /// Starts a child as an ingest does, on nothing, and returns the names of the barriers that took effect in it, and of
    /// those that are missing on this machine.
    ///
    /// - Throws: ``IngestError`` when no child can be started or it dies, which an ingest would, too.
    public static func probe(_ process: IngestProcess = IngestProcess()) throws -> (
        effective: [String], missing: [String]
    ) {
        let pack = salvage_memfd("salvage-probe")
        guard pack >= 0 else { throw IngestError(.packFailed, "no file in memory can be made: \(reason())") }
        defer { close(pack) }
        var job = IngestJob(session: SessionFacts(session: "barriers", image: ""), artifacts: [], inputs: [])
        job.limits.allowMissing = all
        let effective = try process.wait(job, inputs: [], previous: nil, pack: pack).barriers
        return (effective, all.filter { !effective.contains($0) })
    }

    /// Makes sure, before anything is fetched, that this machine offers every barrier that must not be missing.
    ///
    /// - Parameter allowed: the names of those that may be.
    /// - Throws: ``IngestError`` with code `unconfined`.
    public static func require(except allowed: [String]) throws(IngestError) {
        let missing = names(~salvage_available_barriers()).filter { !allowed.contains($0) }
        guard missing.isEmpty else { throw error(missing, because: "this machine does not offer it") }
    }

    static func error(_ missing: [String], because why: String) -> IngestError {
        var error = IngestError(
            .unconfined,
            "the process that reads what containers wrote cannot be confined: \(missing.joined(separator: ", ")): \(why)"
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
