import CProcess
import CrashAnalysis
import FoundationEssentials
import Glibc
import Pack
import Unpack

/// The child's side of judging a file: confines itself, reads the file and writes its answer.
public enum JudgeWorker {
    /// Runs the job from the descriptors in ``IngestProcess`` and returns the process's exit code.
    public static func main() -> Int32 {
        _ = salvage_die_with_parent()
        guard let job = try? JSONDecoder().decode(JudgeJob.self, from: MemoryFile.read(IngestProcess.Slot.job))
        else { return 2 }
        return carryOut(job)
    }

    /// Runs the job in a process that holds only the descriptors of the job; returns the process's exit code.
    static func carryOut(_ job: JudgeJob) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Initialise everything that opens files lazily, before confinement forbids opening files.
        IngestWorker.loadConversions()
        var answer = FileJudgement()
        do {
            // Threads reserve address space far beyond what they use.
            var limits = job.limits
            limits.memoryBytes = job.limits.memoryBytes &+ (4 << 30)
            _ = try Confinement.enter(
                limits, dataBytes: job.limits.memoryBytes, descriptors: UInt64(FileJudge.Slot.file) + 1)
            answer = try judge(job)
        } catch {
            answer.errorCode = error.code.rawValue
            answer.error = error.message
            answer.missing = error.missing
        }
        guard let reply = try? JSONEncoder().encode(answer) else { return 2 }
        return MemoryFile.write(reply, to: IngestProcess.Slot.answer) ? 0 : 1
    }

    private static func judge(_ job: JudgeJob) throws(IngestError) -> FileJudgement {
        var judgement = FileJudgement()
        let file = FileJudge.Slot.file
        if try isPack(file) {
            let report = PackReader.verify(descriptor: file, quick: job.quick)
            let reader = report.isSound ? nil : try? PackReader.open(descriptor: file, tolerant: true)
            judgement.pack = PackJudgement(report, reader, quick: job.quick)
        } else {
            let report = Unpacker(limits: job.limits.unpack).verify(descriptor: file)
            // A failed read is not damage.
            if report.flags.contains(.readError) {
                throw IngestError(.unreadable, "cannot read a file: \(report.firstError?.message ?? "read failed")")
            }
            judgement.archive = ArtifactVerdict(report, artifact: 0)
        }
        return judgement
    }

    /// Returns whether the file ends with a pack's trailer.
    private static func isPack(_ descriptor: Int32) throws(IngestError) -> Bool {
        do throws(PackError) {
            _ = try PackReader.open(descriptor: descriptor, tolerant: true)
            return true
        } catch {
            // A failed read is not damage.
            if error.code == .io || error.isLocalFault {
                throw IngestError(.unreadable, "cannot read a file: \(error.message)")
            }
            return error.code != .notAPack
        }
    }
}
