import CShims
import Foundation
import Glibc

/// Runs a confined child that reads one file and answers in words: what `analyze` and `verify` need.
struct ReaderProcess: Sendable {
    /// As many files are moved to their places within the usual limit of open ones.
    private static let mostFilesOfCopy = 256

    /// The exit code of a copy that could not give up what it holds (EX_OSERR); it has read nothing.
    private static let notSetUp: Int32 = 71

    private let process: IngestProcess
    private let copiesItself: Bool

    /// With `copiesItself` the reader is a copy of this process as long as that has a single thread: a second program's
    /// start costs more than most readings. It gives up the same as any reader, and its environment besides, but has
    /// what this process read: not for one that may hold the API's token elsewhere.
    init(_ process: IngestProcess, copiesItself: Bool) {
        self.process = process
        self.copiesItself = copiesItself
    }

    /// Has a child carry out a job and returns its answer.
    ///
    /// - Parameters:
    ///   - command: the hidden command under which the program does so.
    ///   - files: what the child may read, and under which descriptor.
    ///   - carryOut: the same in a copy of this process; returns the exit code.
    /// - Throws: ``IngestError`` when the child cannot be started, dies, answers nothing or runs out of time.
    func run<Job: Encodable, Answer: Decodable>(
        _ job: Job, command: String, files: [(from: Int32, to: Int32)], within milliseconds: Int64, doing work: String,
        carryOut: (Job) -> Int32
    ) throws -> Answer {
        let reply = try MemoryFile.answer()
        let words = try ChildWords()
        var slots = files
        slots += [(reply.descriptor, IngestProcess.Slot.answer), (words.writing, IngestProcess.Slot.words)]
        let child: pid_t
        if copiesItself, slots.count <= Self.mostFilesOfCopy, let copy = Self.copy(slots, { carryOut(job) }) {
            child = copy
        } else {
            let question = try MemoryFile.question(try JSONEncoder().encode(job))
            slots.append((question.descriptor, IngestProcess.Slot.job))
            child = try process.spawn(command, slots)
        }
        let status = try process.reap(
            child, words, ChildDeadline(patience: milliseconds, now: IngestProcess.monotonic()), doing: work)
        if status >> 8 & 0xFF == Self.notSetUp, status & 0x7F == 0 {
            throw IngestError(.spawn, "a reader could not be set up\(words.told.map { "; it said: \($0)" } ?? "")")
        }
        guard status == 0, let answer = try? JSONDecoder().decode(Answer.self, from: reply.content()) else {
            throw process.death(status, words)
        }
        return answer
    }

    /// A copy of this process that carries out the job and ends; nil where the process cannot be copied.
    private static func copy(_ slots: [(from: Int32, to: Int32)], _ carryOut: () -> Int32) -> pid_t? {
        let parent = getpid()
        let (from, to) = (slots.map(\.from), slots.map(\.to))
        let child = salvage_fork_alone()
        guard child == 0 else { return child > 0 ? child : nil }
        guard salvage_become_reader(parent, from, to, from.count) == 0 else { _exit(notSetUp) }
        _exit(carryOut())
    }
}
