import Catalog
import Glibc
import Harvest
import Ingest
import JSON
import Model
import Pack
import Store
import Terminal
import Text
import Unpack

/// `salvage verify`: checks that the store still holds what was stored, or that given archives are whole.
struct Verify: Command {
    static var name: String { "verify" }
    static var abstract: String { "Check the store, or check given packs and archives." }
    static var discussion: String {
        """
        Without files, checks the whole store: the catalog's database, every pack, whether catalog and packs agree, \
        and what was set aside because it was damaged. Of each pack it checks the structure and, without --quick, \
        the checksum of every block and the SHA-256 of every member. With files, checks packs and judges archives \
        (.tar.gz, .tar): ok, incomplete, corrupt or not_an_archive, within limits.unpack of the configuration. \
        Each file is read in its own confined process that cannot open files; a file that crashes that process or \
        takes too long to read is reported as not_judged. Exit code 3 if anything is not ok.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("file", "Packs or archives; - is standard input. Default: the store.", completion: .file) {
                $0.files.append($1)
            }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("quick", nil, "Check the structure of packs only, not their content.") { $0.quick = true }
        ]
    }

    var quick = false
    var files: [String] = []
    var options = GlobalOptions()

    func run() throws {
        let output = Output(options)
        let isGood = try files.isEmpty ? verifyStore(output) : verifyFiles(output)
        try output.finish()
        if !isGood { throw EndedWith(status: .partial) }
    }

    private func verifyStore(_ output: Output) throws -> Bool {
        let progress = Progress(quiet: options.quiet)
        let result = try StoreAccess.store(options).verify(
            quick: quick, progress: { progress.update($0) },
            found: { problem in
                progress.finish()
                problem.write(to: output)
                try output.checkReader()
            })
        progress.finish()
        if !output.json, !options.quiet {
            output.text(
                result.problems == 0
                    ? "\(counted(result.packs, "pack is", "packs are")) good"
                    : "\(counted(result.packs, "pack")) checked: \(counted(result.problems, "problem"))"
            )
        }
        return result.problems == 0
    }

    private func verifyFiles(_ output: Output) throws -> Bool {
        let judge = FileJudge(limits: IngestLimits(try StoreAccess.configuration(options)), copiesItself: true)
        var isGood = true
        var unreadable = false
        var hinted: Set<String> = []
        for file in files {
            do {
                isGood = try verify(file, judge, output) && isGood
            } catch {
                // Go on: the verdicts on the other files are still useful.
                output.sink.flush()
                var failure = FailureReport.failure(for: error)
                failure.path = file
                if let hint = failure.hint, !hinted.insert(hint).inserted { failure.hint = nil }
                failure.report(json: options.json, style: options.errorStyle)
                unreadable = true
            }
        }
        if unreadable {
            try output.finish()
            throw EndedWith(status: .failure)
        }
        return isGood
    }

    private func verify(_ file: String, _ judge: FileJudge, _ output: Output) throws -> Bool {
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
            VerdictLine(file: file, verdict: verdict).write(to: output, session: nil)
            return false
        }
        if let pack = judgement.pack {
            pack.write(file: file, session: pack.session, to: output)
            return pack.isSound
        }
        guard let archive = judgement.archive else { return false }
        VerdictLine(file: file, verdict: archive).write(to: output, session: nil)
        return archive.verdict == .ok
    }

    /// Opens a file for the child to read. Non-blocking, because opening a pipe would wait for a writer; reads block
    /// again.
    private static func open(_ file: String) throws -> Int32 {
        let descriptor =
            file == "-"
            ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : Glibc.open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw Failure(
                "unreadable", "cannot read \(file == "-" ? "standard input" : file): \(reason)", path: file)
        }
        var facts = stat()
        if fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw Failure("unreadable", "cannot read \(file): it is a folder", path: file)
        }
        if file != "-" { _ = fcntl(descriptor, F_SETFL, O_RDONLY) }
        return descriptor
    }
}
