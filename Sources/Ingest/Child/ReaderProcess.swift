import CProcess
import Clocks
import FoundationEssentials
import Glibc

/// Runs a confined child that reads one file and returns a JSON answer, for `analyze` and `verify`.
struct ReaderProcess: Sendable {
    /// The most files passed to a copy; moving more to their descriptors could exceed the limit on open files.
    private static let mostFilesOfCopy = 256

    /// The exit code (EX_OSERR) of a copy that could not drop its privileges; it has read nothing.
    private static let notSetUp: Int32 = 71

    private let process: IngestProcess
    private let copiesItself: Bool

    /// With `copiesItself`, the reader is a fork of this process while that has a single thread: starting a second
    /// program costs more than most readings. The fork is confined like any reader and drops its environment, but it
    /// has this process's memory. Do not use it in a process that may hold the API token.
    init(_ process: IngestProcess, copiesItself: Bool) {
        self.process = process
        self.copiesItself = copiesItself
    }

    /// Runs a job in a child and returns its answer.
    ///
    /// - Parameters:
    ///   - files: the files that the child may read, and their descriptors in the child.
    ///   - milliseconds: how long the child may take.
    ///   - work: what the child does, for messages.
    /// - Throws: ``IngestError`` when the child cannot be started, dies, reports an error, returns no answer or runs out of
    ///   time.
    func run<Job: ReaderJob>(
        _ job: Job, files: [(from: Int32, to: Int32)], within milliseconds: Int64, doing work: String
    ) throws -> Job.Answer {
        let reply = try MemoryFile.answer()
        let words = try ChildWords()
        var slots = files
        slots += [(reply.descriptor, IngestProcess.Slot.answer), (words.writing, IngestProcess.Slot.words)]
        let child: pid_t
        if copiesItself, slots.count <= Self.mostFilesOfCopy, let copy = Self.copy(slots, { job.carryOut() }) {
            child = copy
        } else {
            let question = try MemoryFile.question(try JSONEncoder().encode(job))
            slots.append((question.descriptor, IngestProcess.Slot.job))
            child = try process.spawn(Job.command, slots)
        }
        let status = try process.reap(
            child, words, ChildDeadline(patience: milliseconds, now: MonotonicClock.milliseconds()), doing: work)
        if status >> 8 & 0xFF == Self.notSetUp, status & 0x7F == 0 {
            let said = words.told.map { "; it said: \($0)" } ?? ""
            throw IngestError(.spawn, "the confined process could not be set up\(said)")
        }
        guard status == 0, let answer = try? JSONDecoder().decode(Job.Answer.self, from: reply.content()) else {
            throw process.death(status, words)
        }
        if let code = answer.errorCode { throw AnswerCheck.error(code, answer.error, missing: answer.missing) }
        return answer
    }

    /// Forks this process to run the job; returns nil when that is not possible.
    private static func copy(_ slots: [(from: Int32, to: Int32)], _ carryOut: () -> Int32) -> pid_t? {
        let parent = getpid()
        let (from, to) = (slots.map(\.from), slots.map(\.to))
        let child = salvage_fork_alone()
        guard child == 0 else { return child > 0 ? child : nil }
        guard salvage_become_reader(parent, from, to, from.count) == 0 else { _exit(notSetUp) }
        _exit(carryOut())
    }
}
