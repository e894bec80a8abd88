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
            Without files, the whole store is checked: the catalog's database, every pack (with --quick its structure, \
            else also the checksum of every block and the SHA-256 of every member), whether catalog and packs agree, and \
            what was set aside because it was damaged. With files, packs are checked and archives (.tar.gz, .tar) \
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
        var check = StoreCheck(
            store: try StoreAccess.path(options), quick: quick, options: options, output: output)
        return try check.run()
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
                let check = PackCheck(path: file, quick: quick)
                check.write(file: file, session: check.report.session, to: output)
                isGood = isGood && check.report.isSound
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

/// What is wrong with one pack, and what is still good, in words.
struct PackCheck {
    let report: PackReport
    private let reader: PackReader?
    private let quick: Bool

    /// More members than this of one damage are counted, not named.
    private static let mostNames = 20

    /// Checks the pack at `path`.
    init(path: String, quick: Bool) {
        self.quick = quick
        report = PackReader.verify(path: path, quick: quick)
        reader = report.isSound ? nil : try? PackReader.open(path: path, tolerant: true)
    }

    /// Whether the file begins as packs do (a zstd frame) and ends in a pack's trailer.
    static func isPack(_ descriptor: Int32) -> Bool {
        do {
            _ = try PackReader.open(descriptor: descriptor, tolerant: true)
            return true
        } catch {
            return error.code != .notAPack
        }
    }

    func write(file: String, session: String?, to output: Output) {
        if output.json {
            var line = JSONLine()
            line.add("file", file)
            line.add("session", session)
            line.add("verdict", report.isSound ? "ok" : "corrupt")
            line.add("flags", report.isSound ? [] : ["damaged"])
            line.add("members", Set(report.damage.flatMap(\.members)).sorted().compactMap(name))
            line.add("first_error", report.damage.first?.description)
            output.line(line)
            return
        }
        let word = report.isSound ? output.style.green("ok") : output.style.red("corrupt")
        output.text("\(Escape.display(file)): \(word)\(session.map { ", session \(Escape.display($0))" } ?? "")")
        for damage in report.damage {
            output.text("  \(damage.description)")
            for member in damage.members.prefix(Self.mostNames) {
                output.text("    affects \(name(member) ?? "member \(member)")")
            }
            if damage.members.count > Self.mostNames {
                output.text("    affects \(damage.members.count - Self.mostNames) more; --json names them all")
            }
        }
        if !report.isSound { output.text("  \(stillGood)") }
    }

    private func name(_ index: Int) -> String? {
        guard let reader, reader.members.indices.contains(index) else { return nil }
        return Escape.path(reader.members[index].path)
    }

    private var stillGood: String {
        let blocks = "\(report.blocks - report.damagedBlocks.count) of \(report.blocks) blocks are good"
        guard let reader, !reader.members.isEmpty else {
            return blocks + "; what they hold comes out of: zstd -dc"
        }
        if quick { return blocks + " as far as --quick looks; without it their content is checked" }
        return "\(report.soundMembers.count) of \(reader.members.count) members are good, \(blocks)"
    }
}
