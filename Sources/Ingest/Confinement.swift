import CShims
import Glibc

/// What the child gives up before it reads the first hostile byte.
enum Confinement {
    /// Gives up what this machine lets it give up and returns the names of the barriers that took effect.
    ///
    /// The child needs no file, no network and no other process: all it works on is open already. A barrier that this
    /// kernel lacks is missing from the result, and `salvage doctor` says so; the others hold all the same.
    ///
    /// `dataBytes` bounds what it may allocate where the address space must be larger, for files that are mapped; 0 for
    /// no bound of its own.
    static func enter(_ limits: IngestLimits, dataBytes: UInt64 = 0) -> [String] {
        var wanted = salvage_confinement()
        wanted.address_space = limits.memoryBytes
        wanted.data = dataBytes
        wanted.cpu_seconds = UInt64(max(1, limits.milliseconds / 1000)) * 4
        wanted.descriptors = 4096
        wanted.deny_executable_memory = 1
        var taken = salvage_confined()
        _ = salvage_confine(&wanted, &taken)
        return (0..<32).compactMap { bit in
            guard taken.effective & (1 << bit) != 0, let name = salvage_barrier_name(1 << bit) else { return nil }
            return String(cString: name)
        }
    }
}
