import ArgumentParser
import Catalog
import Glibc
import Ingest
import Pack
import Terminal
import Unpack

/// `salvage verify`: is what the store holds still what was stored; and is an archive at hand whole.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the packs of the store, or judge files at hand.",
        discussion: """
            Without files, every pack of the store is checked: with --quick its structure, else also the checksum of \
            every block and the SHA-256 of every member. With files, packs are checked and archives (.tar.gz, .tar) \
            are judged: ok, incomplete, corrupt or not_an_archive. Exit code 3 when something is not ok.
            """)

    @Flag(help: "Check the structure of packs only, not their content.") var quick = false
    @Argument(help: ArgumentHelp("Packs or archives; without any, the store.", valueName: "file")) var files: [String] =
        []
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let output = Output(options)
        let isGood = try files.isEmpty ? verifyStore(output) : verifyFiles(output)
        try output.finish()
        if !isGood { throw EndedWith(status: .partial) }
    }

    private func verifyStore(_ output: Output) throws -> Bool {
        let store = try StoreAccess.path(options)
        let catalog = try Catalog.open(store: store, readOnly: true)
        let progress = Progress(quiet: options.quiet)
        var packs: [(path: String, session: String)] = []
        try catalog.forEachSession { session in
            if let pack = session.pack { packs.append((pack, session.session)) }
        }
        var bad = 0
        for (index, pack) in packs.enumerated() {
            progress.update("verifying \(index + 1) of \(packs.count) packs")
            let damages = PackCheck.damages(of: "\(store)/\(pack.path)", quick: quick)
            if damages.isEmpty { continue }
            bad += 1
            progress.finish()
            PackCheck.write(damages, file: pack.path, session: pack.session, to: output)
        }
        progress.finish()
        if !output.json, !options.quiet {
            output.text(bad == 0 ? "\(packs.count) packs are good" : "\(bad) of \(packs.count) packs are damaged")
        }
        return bad == 0
    }

    private func verifyFiles(_ output: Output) throws -> Bool {
        var isGood = true
        var unreadable = false
        for file in files {
            let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else {
                // The verdicts on the other files are worth having.
                output.sink.flush()
                Failure("unreadable", "cannot read a file: \(String(cString: strerror(errno)))", path: file).report(
                    json: options.json, style: options.errorStyle)
                unreadable = true
                continue
            }
            defer { close(descriptor) }
            if PackCheck.isPack(descriptor) {
                let damages = PackCheck.damages(of: file, quick: quick)
                PackCheck.write(damages, file: file, session: nil, to: output)
                isGood = isGood && damages.isEmpty
                continue
            }
            let report = Unpacker().verify(descriptor: descriptor)
            var verdict = ArtifactVerdict(
                artifact: 0, verdict: report.verdict.rawValue, flags: report.flags.names, entries: report.entries,
                bytes: report.bytes &+ report.holeBytes)
            verdict.firstError = report.firstError.map { fault in
                "\(fault.message) (at byte \(fault.offset) of the \(fault.layer.rawValue) stream)"
            }
            VerdictLine(file: file, verdict: verdict).write(to: output, session: nil)
            isGood = isGood && report.verdict == .ok
        }
        if unreadable {
            try output.finish()
            throw EndedWith(status: .failure)
        }
        return isGood
    }
}

/// What is wrong with one pack, in words.
enum PackCheck {
    /// Whether the file begins as packs do (a zstd frame) and ends in a pack's trailer.
    static func isPack(_ descriptor: Int32) -> Bool {
        do {
            _ = try PackReader.open(descriptor: descriptor, tolerant: true)
            return true
        } catch {
            return error.code != .notAPack
        }
    }

    static func damages(of path: String, quick: Bool) -> [(text: String, members: [String])] {
        let reader = try? PackReader.open(path: path, tolerant: true)
        return PackReader.verify(path: path, quick: quick).damage.map { damage in
            let names = damage.members.prefix(20).compactMap { index -> String? in
                guard let reader, reader.members.indices.contains(index) else { return nil }
                return Escape.display(reader.members[index].path)
            }
            return (damage.description, names)
        }
    }

    static func write(
        _ damages: [(text: String, members: [String])], file: String, session: String?, to output: Output
    ) {
        if output.json {
            var line = JSONLine()
            line.add("file", file)
            line.add("session", session)
            line.add("verdict", damages.isEmpty ? "ok" : "corrupt")
            line.add("flags", damages.isEmpty ? [] : ["damaged"])
            line.add("members", Array(Set(damages.flatMap(\.members))).sorted())
            line.add("first_error", damages.first?.text)
            output.line(line)
            return
        }
        let word = damages.isEmpty ? output.style.green("ok") : output.style.red("corrupt")
        output.text("\(Escape.display(file)): \(word)\(session.map { ", session \(Escape.display($0))" } ?? "")")
        for damage in damages {
            output.text("  \(damage.text)")
            for member in damage.members { output.text("    affects \(member)") }
        }
        if !damages.isEmpty { output.text("  everything that is not named here is good") }
    }
}
