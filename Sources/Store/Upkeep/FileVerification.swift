import Files
import Glibc
import Harvest
public import Ingest
import Model
public import SalvageConfiguration

/// Checks packs and archives outside a store, each in its own confined process that cannot open files.
public struct FileVerification {
    /// The result for one file.
    public enum Result: Sendable {
        /// The verdict on a file that is not a pack; `not_judged` if it crashed its reader or took too long.
        case archive(ArtifactVerdict)
        /// The result for a pack.
        case pack(PackJudgement)
    }

    private let judge: FileJudge
    private let quick: Bool

    /// Prepares checks.
    ///
    /// - Parameters:
    ///   - configuration: has the limits on an archive, and the barriers that may be missing.
    ///   - quick: whether to check only the structure of packs.
    public init(_ configuration: SalvageConfiguration.Configuration, quick: Bool) {
        judge = FileJudge(limits: IngestLimits(configuration), copiesItself: true)
        self.quick = quick
    }

    /// Checks a file. Blocks for as long as its reader takes, which its size and the limits bound.
    ///
    /// - Parameter file: the file; `-` is standard input.
    /// - Throws: ``StoreError`` with `unreadable`; `IngestError` if no reader can be started or confined.
    public func verify(_ file: String) throws -> Result {
        let descriptor = try Self.open(file)
        defer { close(descriptor) }
        let judgement: FileJudgement
        do {
            judgement = try judge.judge(descriptor: descriptor, name: file, quick: quick)
        } catch let error as IngestError
            where [.died, .killed, .noAnswer, .timedOut, .stalled].contains(error.code)
        {
            let isLate = error.code == .timedOut || error.code == .stalled
            var verdict = ArtifactVerdict(
                artifact: 0, verdict: .notJudged, flags: [isLate ? "reader_timed_out" : "reader_died"],
                entries: 0, bytes: 0)
            verdict.firstError = error.message
            return .archive(verdict)
        }
        if let pack = judgement.pack { return .pack(pack) }
        guard let archive = judgement.archive else {
            throw StoreError(.unexpected, "the reader returned neither a verdict nor a check of a pack", path: file)
        }
        return .archive(archive)
    }

    /// Opens a file for the child to read. Non-blocking, because opening a pipe would wait for a writer; reads block
    /// again.
    private static func open(_ file: String) throws(StoreError) -> Int32 {
        let descriptor =
            file == "-"
            ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : Glibc.open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            let what = file == "-" ? "standard input" : file
            throw StoreError(.unreadable, "cannot read \(what): \(FileFailure.reason(errno))", path: file)
        }
        var facts = stat()
        if fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw StoreError(.unreadable, "cannot read \(file): it is a folder", path: file)
        }
        if file != "-" { _ = fcntl(descriptor, F_SETFL, O_RDONLY) }
        return descriptor
    }
}
