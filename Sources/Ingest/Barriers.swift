import CShims
import Glibc
import Pack

/// The barriers between a hostile archive and this machine.
public enum Barriers {
    /// Starts a child as an ingest does, on nothing, and returns the names of the barriers that took effect in it, and of
    /// those that this machine does not offer.
    ///
    /// - Throws: ``IngestError`` when no child can be started or it dies, which an ingest would, too.
    public static func probe() throws -> (effective: [String], missing: [String]) {
        let pack = salvage_memfd("salvage-probe")
        guard pack >= 0 else { throw IngestError(.packFailed, "no file in memory can be made: \(reason())") }
        defer { close(pack) }
        let job = IngestJob(session: SessionFacts(session: "barriers", image: ""), artifacts: [], inputs: [])
        let answer = try IngestProcess().wait(job, inputs: [], previous: nil, pack: pack)
        let offered = salvage_available_barriers()
        let missing = (0..<32).compactMap { bit -> String? in
            guard offered & (1 << bit) == 0, let name = salvage_barrier_name(1 << bit) else { return nil }
            return String(cString: name)
        }
        return (answer.barriers, missing)
    }
}
