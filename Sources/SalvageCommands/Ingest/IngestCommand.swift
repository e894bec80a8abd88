import Clocks
import Harvest
import Model
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage ingest`: runs the ingest pipeline of a harvest on local files.
struct IngestFiles: Command {
    static var name: String { "ingest" }
    static var abstract: String { "Import archives, folders, files or bundles into the store." }
    static var discussion: String {
        """
        Archives (.tar.gz or .tar, detected by content) are unpacked into members, folders are imported whole, and \
        any other file becomes one member. No file is ever created under a name that an archive chose. Damaged \
        input is kept as far as it can be read, with exit code 3.

          salvage ingest --session raid-4d10 --image shooter --tag 1.4.0 saved.tar.gz console.log
          salvage ingest --each old-crashes --image shooter
          salvage ingest ticket-17.tar.gz

        Files can also be imported into a session that is harvested, before or after the harvest. They are kept \
        beside what the harvest collects and do not change what it fetches.

        With --each, every sub-folder of DIR is one session, named after the folder, and its entries are imported \
        as above. A salvage-metadata.json in it, such as `salvage export` writes, gives session, image, tag, \
        location, host, labels, created and exited; flags take precedence. A folder that cannot be read does not \
        stop the others. Names in DIR that begin with a dot are skipped.

        Without --session and --each, the files are bundles of `salvage export --bundle`: each gives its sessions, all \
        that is known about them, and symbols, which are added to the store's. A bundle is read as any other archive \
        of a stranger is.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("file", "Archives, folders or files.", completion: .file) { $0.files.append($1) }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text("session", value: "id", "The session that the files belong to (default: they are bundles).") {
                $0.session = $1
            },
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
            .toggle("no-symbols", nil, "Do not add the symbols of bundles.") { $0.noSymbols = true },
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
    var noSymbols = false
    var files: [String] = []
    var options = GlobalOptions()

    func run() throws {
        let given = try given()
        if let each {
            guard session == nil, files.isEmpty else {
                throw Failure(
                    "usage", "--each names sessions by their folders; it cannot be used with --session or files",
                    status: .usage)
            }
            return try ingest(sessionsIn: each, given)
        }
        guard session?.isEmpty != true else {
            throw Failure(
                "bad_session", "--session must not be empty",
                hint: "salvage ingest --session ID FILE…, or salvage ingest --each DIR", status: .usage)
        }
        guard let session else { return try ingestBundles(given) }
        guard !files.isEmpty else {
            throw Failure(
                "usage", "no files to ingest", hint: "name archives, folders or files", status: .usage)
        }
        let (store, configuration) = try open()
        let text = IngestReportText(options)
        let progress = Progress(quiet: options.quiet)
        progress.update("ingesting \(counted(files.count, "file")) into session \(Escape.display(session))")
        let report = try store.ingest(files, as: session, given, by: configuration)
        progress.finish()
        text.write(report)
        try text.output.finish()
        if !report.isWhole { throw EndedWith(status: .partial) }
    }

    /// Ingests each file as a bundle. One that fails does not stop the others, unless its error would end them too.
    private func ingestBundles(_ given: IngestMetadata) throws {
        guard !files.isEmpty else {
            throw Failure(
                "bad_session", "--session is missing",
                hint: "salvage ingest --session ID FILE…, salvage ingest --each DIR, or salvage ingest BUNDLE…",
                status: .usage)
        }
        let (store, configuration) = try open()
        let text = BundleIngestText(options)
        let progress = Progress(quiet: options.quiet)
        var failed = 0
        for file in files {
            do {
                let report = try store.ingest(
                    bundle: file, given, addsSymbols: !noSymbols, by: configuration,
                    progress: { progress.update($0) })
                progress.finish()
                try text.write(report)
                if !report.isWhole { failed += 1 }
            } catch  where files.count > 1 && !Store.endsEveryIngest(error) {
                progress.finish()
                failed += 1
                text.complain(FailureReport.failure(for: error))
            }
        }
        try text.finish()
        if failed > 0 { throw EndedWith(status: .partial) }
    }

    /// Ingests each sub-folder as a session. A session that fails does not stop the others, unless its error would end
    /// them too.
    private func ingest(sessionsIn folder: String, _ given: IngestMetadata) throws {
        let (store, configuration) = try open()
        let folders = try SessionFolders(folder)
        let text = IngestReportText(options)
        let progress = Progress(quiet: options.quiet)
        var failed = 0
        for (index, name) in folders.names.enumerated() {
            progress.update(
                "ingesting \(index + 1) of \(counted(folders.names.count, "session")): \(Escape.display(name))")
            do {
                let session = try folders.session(name)
                guard !session.files.isEmpty else {
                    progress.finish()
                    text.write(leftOut: session.strays, of: session)
                    throw Failure("empty", "the session's folder contains nothing to ingest", path: session.path)
                }
                let report = try store.ingest(
                    session.files, as: session.id, given.completed(by: session.metadata), by: configuration)
                progress.finish()
                text.write(report)
                text.write(leftOut: session.strays, of: session)
                if !report.isWhole || !session.strays.isEmpty { failed += 1 }
            } catch  where !Store.endsEveryIngest(error) {
                progress.finish()
                failed += 1
                var failure = FailureReport.failure(for: error)
                failure.path = failure.path ?? "\(folder)/\(name)"
                text.complain(failure)
            }
            if text.output.sink.isClosed { break }
        }
        progress.finish()
        text.write(leftOut: folders.strays, in: folder)
        text.writeTotals(sessions: folders.names.count, failed: failed)
        try text.output.finish()
        if failed > 0 || !folders.strays.isEmpty { throw EndedWith(status: .partial) }
    }

    private func open() throws -> (Store, SalvageConfiguration.Configuration) {
        try DescriptorBudget.raiseLimit()
        let store = try Store(creating: StoreAccess.address(options))
        return (store, try StoreAccess.configuration(options))
    }

    /// What the flags say about the session.
    private func given() throws -> IngestMetadata {
        let now = WallClock.now()
        var given = IngestMetadata(image: image, tag: tag, location: location)
        given.labels = try SelectionOptions.distinctPairs(label)
        given.created = try SelectionOptions.instant(created, flag: "--created", now: now)
        given.exited = try SelectionOptions.instant(exited, flag: "--exited", now: now)
        if let exited = given.exited, exited > now {
            throw Failure("bad_time", "--exited is in the future", status: .usage)
        }
        if let created = given.created, let exited = given.exited, exited < created {
            throw Failure("bad_time", "--exited is before --created", status: .usage)
        }
        return given
    }
}
