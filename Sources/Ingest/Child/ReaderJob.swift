import CProcess
import FoundationEssentials
import Glibc

/// A job of a confined child that reads one file: what differs between `analyze` and `verify`. ``ReaderProcess`` runs it.
protocol ReaderJob: Codable, Sendable {
    /// What the child returns.
    associatedtype Answer: ReaderAnswer
    /// The hidden command that runs the job.
    static var command: String { get }

    /// Initializes whatever opens files lazily, because confinement forbids opening files.
    static func prepare()
    /// Confines the process and returns the names of the barriers that took effect.
    func confine() throws(IngestError) -> [String]
    /// Reads the file. The process is confined.
    func run(barriers: [String]) throws(IngestError) -> Answer
}

/// The answer of a ``ReaderJob``.
protocol ReaderAnswer: Codable, Sendable {
    /// Why nothing was read, as one sentence.
    var error: String? { get set }
    /// The code of the ``IngestError``.
    var errorCode: String? { get set }
    /// Barriers that could not be set up.
    var missing: [String]? { get set }

    /// Creates an answer without results.
    init()
}

extension ReaderJob {
    /// Runs the job of a process that was started for it, from the descriptors in ``IngestProcess``; returns the process's
    /// exit code.
    static func main() -> Int32 {
        _ = salvage_die_with_parent()
        guard let job = try? JSONDecoder().decode(Self.self, from: MemoryFile.read(IngestProcess.Slot.job)) else {
            return 2
        }
        return job.carryOut()
    }

    /// Runs the job in a process that holds only the job's descriptors; returns the process's exit code.
    func carryOut() -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        Self.prepare()
        var answer = Answer()
        do {
            answer = try run(barriers: try confine())
        } catch {
            answer.errorCode = error.code.rawValue
            answer.error = error.message
            answer.missing = error.missing
        }
        guard let reply = try? JSONEncoder().encode(answer) else { return 2 }
        return MemoryFile.write(reply, to: IngestProcess.Slot.answer) ? 0 : 1
    }
}
