import ArgumentParser
import Catalog
import Glibc
import Harvest
import Ingest
import Pack
import Terminal

/// `salvage ingest`: the pipeline of a harvest over files already at hand.
struct IngestFiles: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Take archives, folders or single files at hand into the store.",
        discussion: """
            Archives (.tar.gz or .tar, judged by content) are unpacked into members, folders are taken whole, any \
            other file becomes one member. Nothing is ever created under a name that an archive chose. What is damaged \
            is kept as far as it goes; exit code 3 says that something was.
            """)

    @Option(help: ArgumentHelp("The session that the files belong to.", valueName: "id")) var session: String
    @Option(help: "The session's image.") var image: String?
    @Option(help: "The image's version.") var tag: String?
    @Option(help: "Where the session ran.") var location: String?
    @Option(help: ArgumentHelp("A label of the session. May be repeated.", valueName: "key=value")) var label:
        [String] = []
    @Option(help: ArgumentHelp("When the session was created: 2026-11-20T21:00Z, 2h.", valueName: "time"))
    var created: String?
    @Argument(help: ArgumentHelp("Archives, folders or files.", valueName: "file")) var files: [String]
    @OptionGroup var options: GlobalOptions

    func run() throws {
        guard !session.isEmpty else {
            throw Failure("bad_session", "--session must not be empty", status: .usage)
        }
        try DescriptorBudget.raiseLimit()
        let store = try StoreAccess.createdPath(options)
        let catalog = try Catalog.open(store: store)
        let signer = try CrashSigner(options, store: store)
        let facts = try sessionFacts(known: try catalog.session(session))
        let scratch = store + "/spool/" + PackPath.escaped(session) + "/.ingest.\(getpid())"
        let intake = try Intake(files: files, scratch: scratch)
        defer { intake.discard() }
        let progress = Progress(quiet: options.quiet)
        progress.update("ingesting \(files.count) files into session \(Escape.display(session))")
        // Bounds and redaction rules count here as they do for a harvest.
        let service = ChildIngest(store: store, configuration: try StoreAccess.configuration(options))
        let outcome = try service.ingest.pack(
            session: facts, artifacts: intake.artifacts, files: intake.spooled,
            earlier: try catalog.session(session)?.pack)
        var contents = try PackContents(outcome.reader, path: outcome.pack)
        signer.renew(&contents)
        try catalog.commit(contents)
        outcome.lock?.release()
        progress.finish()
        try report(outcome, intake)
    }

    private func sessionFacts(known: SessionRecord?) throws -> SessionFacts {
        let now = TimeText.now()
        var labels = known?.labels ?? [:]
        for pair in try SelectionOptions.pairs(label) { labels[pair.key] = pair.value }
        var facts = SessionFacts(session: session, image: image ?? known?.image ?? "", labels: labels)
        facts.tag = tag ?? known?.tag
        facts.location = location ?? known?.location
        facts.host = known?.host
        facts.created = try SelectionOptions.instant(created, flag: "--created", now: now) ?? known?.created
        facts.exited = known?.exited
        facts.firstSeenExited = known?.firstSeenExited ?? now
        facts.source = known?.source ?? "ingest"
        return facts
    }

    private func report(_ outcome: PackedSession, _ intake: Intake) throws {
        let output = Output(options)
        var isPartial = !outcome.quarantined.isEmpty || !outcome.waiting.isEmpty || !outcome.earlierDamage.isEmpty || !intake.complaints.isEmpty
        for verdict in outcome.verdicts where intake.names.indices.contains(verdict.artifact) {
            if verdict.verdict != "ok" { isPartial = true }
            VerdictLine(file: intake.names[verdict.artifact], verdict: verdict).write(to: output, session: session)
        }
        if !options.json, !options.quiet {
            let crashes = outcome.crashes == 1 ? "1 crash" : "\(outcome.crashes) crashes"
            output.text(
                "session \(Escape.display(session)): \(outcome.members) members, \(crashes) in \(outcome.pack)"
            )
        }
        try output.finish()
        for complaint in intake.complaints
            + outcome.quarantined.map({ "a copy lies in quarantine, \($0.place), because of its reader: \($0.reason)" })
        {
            Failure("partial", complaint, session: session).report(json: options.json, style: options.errorStyle)
        }
        for damage in outcome.earlierDamage {
            Failure(
                EarlierDamage.flag, damage, session: session,
                hint: "salvage verify names what is damaged; remove what was set aside once nobody needs it"
            ).report(json: options.json, style: options.errorStyle)
        }
        for (artifact, reason) in outcome.waiting.sorted(by: { $0.key < $1.key }) {
            let file = intake.names.indices.contains(artifact) ? intake.names[artifact] : nil
            Failure(
                "not_packed", "not taken in: \(reason)", session: session, path: file,
                hint: "this machine is at fault, not the file, which is where it was: run the same again for it"
            ).report(json: options.json, style: options.errorStyle)
        }
        if isPartial { throw EndedWith(status: .partial) }
    }
}

/// The files of one `ingest`, opened up: folders become tar streams in the spool, everything else is read in place.
final class Intake {
    private(set) var names: [String] = []
    private(set) var artifacts: [ArtifactEntry] = []
    private(set) var spooled: [IngestFile] = []
    private(set) var complaints: [String] = []
    private let scratch: String
    private var made: [String] = []

    init(files: [String], scratch: String) throws {
        self.scratch = scratch
        for file in files { try take(file) }
    }

    /// Removes what was written to the spool.
    func discard() { for path in made { unlink(path) } }

    private func take(_ file: String) throws {
        var info = stat()
        guard stat(file, &info) == 0 else {
            throw Failure("unreadable", "cannot read a file: \(String(cString: strerror(errno)))", path: file)
        }
        let index = artifacts.count
        let full = realpath(file, nil).map { pointer in
            defer { free(pointer) }
            return String(cString: pointer)
        }
        var entry = ArtifactEntry(artifact: full ?? file, tries: 1)
        entry.firstTry = TimeText.now()
        entry.lastTry = entry.firstTry
        let modified = Int64(info.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(info.st_mtim.tv_nsec)
        let base = file.split(separator: "/").last.map(String.init) ?? file
        var input = IngestJob.Input(artifact: index, form: .either, name: Array(base.utf8), modified: modified)
        var path = file
        switch info.st_mode & S_IFMT {
        case S_IFDIR:
            input.form = .archive
            path = try pack(folder: file)
        case S_IFREG:
            // Named like an archive, it was meant as one: an empty or destroyed one must not pass for a whole file.
            let name = base.lowercased()
            if [".tar.gz", ".tgz", ".tar"].contains(where: { name.hasSuffix($0) }) { input.form = .archive }
        default: throw Failure("unreadable", "it is neither a file nor a folder", path: file)
        }
        entry.bytes = UInt64(max(0, info.st_size))
        names.append(file)
        artifacts.append(entry)
        spooled.append(IngestFile(path: path, input: input))
    }

    private func pack(folder: String) throws -> String {
        let path = "\(scratch).\(made.count).tar"
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try StoreAccess.makeFolders((path.hasPrefix("/") ? "/" : "") + parent)
        unlink(path)
        made.append(path)
        complaints += try FolderArchive.write(folder: folder, to: path).map {
            "could not read all of \(folder): \($0)"
        }
        return path
    }
}

/// One line about one judged archive, the same for `ingest` and `verify`.
struct VerdictLine {
    let file: String
    let verdict: ArtifactVerdict

    func write(to output: Output, session: String?) {
        if output.json {
            var line = JSONLine()
            line.add("file", file)
            line.add("session", session)
            line.add("verdict", verdict.verdict)
            line.add("flags", verdict.flags)
            line.add("entries", verdict.entries)
            line.add("bytes", verdict.bytes)
            line.add("first_error", verdict.firstError)
            output.line(line)
            return
        }
        let word = verdict.verdict == "ok" ? output.style.green("ok") : output.style.red(verdict.verdict)
        var text = "\(Escape.display(file)): \(word), \(verdict.entries) entries, \(SizeText.binary(verdict.bytes))"
        if !verdict.flags.isEmpty { text += " [\(Escape.display(verdict.flags.joined(separator: " ")))]" }
        if let error = verdict.firstError { text += "\n  first error: \(Escape.display(error))" }
        if let head = verdict.head, !head.isEmpty { text += "\n  it begins with: \(Escape.display(head))" }
        output.text(text)
    }
}
