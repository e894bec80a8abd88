import CShims
import Glibc
import Unpack

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
        wanted.descriptors = 4096
        return enter(&wanted, limits)
    }

    /// The same for an ingest, which needs no more descriptors than it was given and writes files of bounded length.
    static func enter(_ job: IngestJob) -> [String] {
        var wanted = salvage_confinement()
        // Writable memory is what an attack costs.
        wanted.data = job.limits.memoryBytes
        wanted.address_space = addressSpace(job.limits.memoryBytes)
        wanted.descriptors = UInt64(IngestProcess.Slot.firstInput) + UInt64(job.inputs.count + job.furtherPrevious)
        wanted.file_size = fileSize(job)
        return enter(&wanted, job.limits)
    }

    private static func enter(_ wanted: inout salvage_confinement, _ limits: IngestLimits) -> [String] {
        _ = InflateBackend.preferred
        wanted.cpu_seconds = UInt64(processorSeconds(limits.milliseconds))
        wanted.deny_executable_memory = 1
        var taken = salvage_confined()
        _ = salvage_confine(&wanted, &taken)
        return (0..<32).compactMap { bit in
            guard taken.effective & (1 << bit) != 0, let name = salvage_barrier_name(1 << bit) else { return nil }
            return String(cString: name)
        }
    }

    /// The processor time, in seconds over all threads, of a child that may take so many milliseconds.
    static func processorSeconds(_ milliseconds: Int64) -> Int64 { max(1, milliseconds / 1000) &* 4 }

    /// The address space, in bytes, that a child needs which may hold so many bytes of writable memory: each thread
    /// reserves far more than it uses.
    static func addressSpace(_ memoryBytes: UInt64) -> UInt64 { memoryBytes &+ (4 << 30) }

    /// The longest file that the child may write: all that its inputs may expand to, and the earlier packs.
    static func fileSize(_ job: IngestJob) -> UInt64 {
        if job.isProbe { return ConfinementProbe.fileSize }
        let each = job.limits.forUnpacker.totalBytes &+ job.limits.expandedForArtifact &+ (64 << 20)
        let (all, overflow) = each.multipliedReportingOverflow(by: UInt64(max(1, job.inputs.count)))
        var before: UInt64 = 0
        for descriptor in job.previousSlots {
            var facts = stat()
            if fstat(descriptor, &facts) == 0 { before &+= UInt64(max(0, facts.st_size)) }
        }
        guard !overflow, all <= UInt64(Int64.max) - before else { return UInt64(Int64.max) }
        return max(all + before, ExpansionPass.longestDump)
    }
}
