import Ingest
import Model
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage verify`: checks that the store still holds what was stored, or that given archives are whole.
struct Verify: Command {
    static var name: String { "verify" }
    static var abstract: String { "Check the store, or check given packs and archives." }
    static var discussion: String {
        """
        Without files, checks the whole store: the catalog's database, every pack, whether catalog and packs agree, \
        and what was set aside because it was damaged. A shared store has many packs: --quick reads the end of each, and \
        --sample checks some of them. Of each pack it checks the structure and, without --quick, \
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
            .toggle("quick", nil, "Check the structure of packs only, not their content.") { $0.quick = true },
            .text("sample", value: "share", "Check a random share of the packs, such as 1%.") { $0.sample = $1 },
        ]
    }

    var quick = false
    var sample: String?
    var files: [String] = []
    var options = GlobalOptions()

    func run() throws {
        if sample != nil, !files.isEmpty {
            throw Failure.usage("--sample is for the store, not for files", hint: "remove --sample")
        }
        let output = Output(options)
        let isGood = try files.isEmpty ? verifyStore(output) : verifyFiles(output)
        try output.finish()
        if !isGood { throw EndedWith(status: .partial) }
    }

    private func verifyStore(_ output: Output) throws -> Bool {
        var share: UInt32?
        if let sample {
            guard let value = Quantity.millionths(percent: sample), value > 0 else {
                throw Failure.usage("invalid value '\(sample)' for --sample", hint: "write a percentage such as 1%")
            }
            share = value
        }
        let progress = Progress(quiet: options.quiet)
        let result = try StoreAccess.store(options).verify(
            quick: quick, sample: share, progress: { progress.update($0) },
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
        let verification = FileVerification(try StoreAccess.configuration(options), quick: quick)
        var isGood = true
        var unreadable = false
        var hinted: Set<String> = []
        for file in files {
            do {
                isGood = write(try verification.verify(file), file, to: output) && isGood
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

    /// Writes a result; returns whether the file is good.
    private func write(_ result: FileVerification.Result, _ file: String, to output: Output) -> Bool {
        switch result {
        case .pack(let pack):
            pack.write(file: file, session: pack.session, to: output)
            return pack.isSound
        case .archive(let verdict):
            VerdictLine(file: file, verdict: verdict).write(to: output, session: nil)
            return verdict.verdict == .ok
        }
    }
}
