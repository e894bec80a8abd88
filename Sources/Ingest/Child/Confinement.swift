import CConfinement
import Glibc
import Model
import Unpack

/// The confinement that a child enters before it reads the first hostile byte.
enum Confinement {
    /// Drops every right the child does not need, and returns the names of the barriers that took effect.
    ///
    /// The child needs no file, network or other process: everything it works on is already open. If a barrier is
    /// missing, the child reads nothing, unless `limits` allows it to be missing.
    ///
    /// - Parameters:
    ///   - limits: the bounds on memory and time, and the barriers that may be missing.
    ///   - dataBytes: the writable memory it may allocate, if the address space must be larger for mapped files; 0 for
    ///     no separate bound.
    ///   - descriptors: the limit on descriptor numbers (RLIMIT_NOFILE).
    /// - Throws: ``IngestError`` with code `unconfined`.
    static func enter(
        _ limits: IngestLimits, dataBytes: UInt64 = 0, descriptors: UInt64 = 4096
    ) throws(IngestError) -> [String] {
        var wanted = salvage_confinement()
        wanted.address_space = limits.memoryBytes
        wanted.data = dataBytes
        wanted.descriptors = descriptors
        wanted.file_size = UInt64(MemoryFile.mostAnswer)
        return try enter(&wanted, limits, milliseconds: limits.unpack.time)
    }

    /// Does the same for an ingest, which needs only the descriptors passed to it and writes files of bounded length.
    static func enter(_ job: IngestJob) throws(IngestError) -> [String] {
        var wanted = salvage_confinement()
        // The bound on writable memory is what limits an attack.
        wanted.data = job.limits.memoryBytes
        wanted.address_space = addressSpace(job.limits.memoryBytes)
        wanted.descriptors = UInt64(IngestProcess.Slot.firstInput) + UInt64(job.inputs.count + job.furtherPrevious)
        wanted.file_size = fileSize(job)
        return try enter(&wanted, job.limits, milliseconds: job.milliseconds ?? job.limits.unpack.time)
    }

    private static func enter(
        _ wanted: inout salvage_confinement, _ limits: IngestLimits, milliseconds: Int64
    ) throws(IngestError) -> [String] {
        _ = InflateBackend.preferred
        wanted.cpu_seconds = UInt64(processorSeconds(milliseconds))
        wanted.deny_executable_memory = 1
        var taken = salvage_confined()
        _ = salvage_confine(&wanted, &taken)
        let missing = Barriers.names(taken.failed).filter { !limits.allowMissing.contains($0) }
        guard missing.isEmpty else {
            throw Barriers.error(missing, because: String(cString: strerror(taken.first_error)))
        }
        return Barriers.names(taken.effective)
    }

    /// Returns the processor time, in seconds over all threads, for a child that may take this many milliseconds.
    static func processorSeconds(_ milliseconds: Int64) -> Int64 { max(1, milliseconds / 1000) &* 4 }

    /// Returns the address space, in bytes, for a child with this many bytes of writable memory: each thread reserves
    /// far more than it uses.
    static func addressSpace(_ memoryBytes: UInt64) -> UInt64 { memoryBytes &+ (4 << 30) }

    /// Returns the longest file that the child may write, in bytes: the most its inputs may expand to, plus the earlier
    /// packs.
    static func fileSize(_ job: IngestJob) -> UInt64 {
        if job.isProbe { return ConfinementProbe.fileSize }
        let each = job.limits.unpack.totalSize &+ job.limits.unpack.expandedSize &+ (64 << 20)
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
