import Catalog
import Files
import Glibc
import Harvest
import Ingest
import JSON
import Model
import Pack
import Store
import Tar
import Terminal
import Text

/// `salvage ingest`: runs the ingest pipeline of a harvest on local files.
struct IngestFiles: Command {
    static var name: String { "ingest" }
    static var abstract: String { "Import archives, folders or files into the store." }
    static var discussion: String {
        """
        Archives (.tar.gz or .tar, detected by content) are unpacked into members, folders are imported whole, and \
        any other file becomes one member. No file is ever created under a name that an archive chose. Damaged \
        input is kept as far as it can be read, with exit code 3.

          salvage ingest --session raid-4d10 --image shooter --tag 1.4.0 saved.tar.gz console.log
          salvage ingest --each old-crashes --image shooter

        Files can also be imported into a session that is harvested, before or after the harvest. They are kept \
        beside what the harvest collects and do not change what it fetches.

        With --each, every sub-folder of DIR is one session, named after the folder, and its entries are imported \
        as above. A salvage-metadata.json in it, such as `salvage export` writes, gives session, image, tag, \
        location, host, labels, created and exited; flags take precedence. A folder that cannot be read does not \
        stop the others. Names in DIR that begin with a dot are skipped.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("file", "Archives, folders or files.", completion: .file) { $0.files.append($1) }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text("session", value: "id", "The session that the files belong to.") { $0.session = $1 },
            .text("each", value: "dir", "A folder with one sub-folder per session.", completion: .folder) {
                $0.each = $1
            },
            .text("image", value: "image", "The session's image.") { $0.image = $1 },
            .text("tag", value: "tag", "The image's version.") { $0.tag = $1 },
            .text("location", value: "location", "Where the session ran.") { $0.location = $1 },
            .texts("label", value: "key=value", "A label of the session. May be repeated.") { $0.label.append($1) },
            .text("created", value: "time", "When the session was created: 2026-11-20T21:00Z, 2h.") { $0.created = $1 },
            .text(
                "exited", value: "time",
                "When the session ended (default: the newest time in its logs, else of its files)."
            ) { $0.exited = $1 },
        ]
    }

    var session: String?
    var each: String?
    var image: String?
    var tag: String?
    var location: String?
    var label: [String] = []
    var created: String?
    var exited: String?
    var files: [String] = []
    var options = GlobalOptions()

    func run() throws {
        let description = try described()
        if let each {
            guard session == nil, files.isEmpty else {
                throw Failure(
                    "usage", "--each names sessions by their folders; it cannot be used with --session or files",
                    status: .usage)
            }
            return try BulkIngest(folder: each, description: description, run: try IngestRun(options)).carryOut()
        }
        guard let session, !session.isEmpty else {
            throw Failure(
                "bad_session", session == nil ? "--session is missing" : "--session must not be empty",
                hint: "salvage ingest --session ID FILE…, or salvage ingest --each DIR", status: .usage)
        }
        guard !files.isEmpty else {
            throw Failure(
                "usage", "no files to ingest", hint: "name archives, folders or files", status: .usage)
        }
        let run = try IngestRun(options)
        let progress = Progress(quiet: options.quiet)
        progress.update("ingesting \(counted(files.count, "file")) into session \(Escape.display(session))")
        let result = try run.take(files, as: session, description)
        progress.finish()
        let isWhole = run.report(result)
        try run.output.finish()
        if !isWhole { throw EndedWith(status: .partial) }
    }

    private func described() throws -> SessionDescription {
        let now = TimeText.now()
        var description = SessionDescription(image: image, tag: tag, location: location)
        description.labels = try SelectionOptions.distinctPairs(label)
        description.created = try SelectionOptions.instant(created, flag: "--created", now: now)
        description.exited = try SelectionOptions.instant(exited, flag: "--exited", now: now)
        if let exited = description.exited, exited > now {
            throw Failure("bad_time", "--exited is in the future", status: .usage)
        }
        if let created = description.created, let exited = description.exited, exited < created {
            throw Failure("bad_time", "--exited is before --created", status: .usage)
        }
        return description
    }
}

/// The input of one `ingest`: folders are written to the spool as tar files, everything else is read in place.
final class Intake {
    private(set) var names: [String] = []
    private(set) var artifacts: [ArtifactEntry] = []
    private(set) var spooled: [IngestFile] = []
    private(set) var complaints: [String] = []
    private let scratch: String
    private var made: [String] = []

    /// - Parameter scratch: the path prefix of temporary files on the store's disk. Their names end with the process id,
    ///   so that the next harvest removes what a killed process left.
    init(files: [String], scratch: String) throws {
        self.scratch = scratch
        do {
            for file in files { try take(file) }
        } catch {
            discard()
            throw error
        }
    }

    /// Removes what was written to the store's disk.
    func discard() { for path in made { unlink(path) } }

    private func take(_ file: String) throws {
        var info = stat()
        guard stat(file, &info) == 0 else {
            throw Failure("unreadable", "cannot read \(file): \(String(cString: strerror(errno)))", path: file)
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
            // A file named like an archive is read as one: an empty or destroyed archive must not pass for a good file.
            let name = base.lowercased()
            if [".tar.gz", ".tgz", ".tar"].contains(where: { name.hasSuffix($0) }) { input.form = .archive }
        default: throw Failure("unreadable", "cannot read \(file): it is neither a file nor a folder", path: file)
        }
        entry.bytes = UInt64(max(0, info.st_size))
        names.append(file)
        artifacts.append(entry)
        spooled.append(IngestFile(path: path, input: input))
    }

    private func pack(folder: String) throws -> String {
        let path = "\(scratch)\(made.count).\(getpid())"
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try StoreFolder.make((path.hasPrefix("/") ? "/" : "") + parent)
        unlink(path)
        made.append(path)
        var options = FolderArchive.Options()
        options.unreadable = .isReported
        do throws(FileFailure) {
            complaints += try FolderArchive.write(folder: folder, to: path, options: options).map {
                "could not read all of \(folder): \($0)"
            }
        } catch {
            throw IngestError(
                error.isFull ? .noSpace : .unreadable, "cannot archive the folder: cannot \(error.description)",
                path: folder)
        }
        return path
    }
}

/// The verdict on one archive as output, the same for `ingest` and `verify`.
struct VerdictLine {
    let file: String
    let verdict: ArtifactVerdict

    func write(to output: Output, session: String?) {
        if output.json {
            var line = JSONLine()
            line.add("file", file)
            line.add("session", session)
            line.add("verdict", verdict.verdict.rawValue)
            line.add("flags", verdict.flags)
            line.add("entries", verdict.entries)
            line.add("bytes", verdict.bytes)
            line.add("first_error", verdict.firstError)
            output.line(line)
            return
        }
        let word = verdict.verdict == .ok ? output.style.green("ok") : output.style.red(verdict.verdict.rawValue)
        let entries = counted(verdict.entries, "entry", "entries")
        var text = "\(Escape.display(file)): \(word), \(entries), \(SizeText.binary(verdict.bytes))"
        if !verdict.flags.isEmpty { text += " [\(Escape.display(verdict.flags.joined(separator: " ")))]" }
        if let error = verdict.firstError { text += "\n  first error: \(Escape.display(error))" }
        if let head = verdict.head, !head.isEmpty { text += "\n  it begins with: \(Escape.display(head))" }
        output.text(text)
    }
}
