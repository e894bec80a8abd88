import Pack
import Unpack

extension JudgeJob: ReaderJob {
    static var command: String { FileJudge.command }

    static func prepare() { IngestWorker.loadConversions() }

    func confine() throws(IngestError) -> [String] {
        // Threads reserve address space far beyond what they use.
        var wider = limits
        wider.memoryBytes = limits.memoryBytes &+ (4 << 30)
        return try Confinement.enter(
            wider, dataBytes: limits.memoryBytes, descriptors: UInt64(FileJudge.Slot.file) + 1)
    }

    func run(barriers: [String]) throws(IngestError) -> FileJudgement { try JudgeWorker.judge(self) }
}

/// The child's side of judging a file: reads it and returns the judgement.
public enum JudgeWorker {
    /// Runs the job from the descriptors in ``IngestProcess`` and returns the process's exit code.
    public static func main() -> Int32 { JudgeJob.main() }

    fileprivate static func judge(_ job: JudgeJob) throws(IngestError) -> FileJudgement {
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
