import Catalog
import Files
import Glibc
import Ingest
import JSON
import Model
import Pack
import Terminal
import Text

/// `salvage ingest --each DIR`: ingests each sub-folder of DIR as a session.
struct BulkIngest {
    let folder: String
    let description: SessionDescription
    let run: IngestRun

    /// The optional file in a session's folder that describes the session; `export` writes one.
    static let metadataName = "salvage-metadata.json"
    private static let metadataLimit = 256 << 20

    /// The entries of the folder: sessions, and entries that are left out, with the reason.
    private struct Contents {
        var sessions: [String] = []
        var strays: [(name: String, why: String)] = []
    }

    func carryOut() throws {
        let contents = try Self.contents(of: folder)
        let folders = contents.sessions
        guard !folders.isEmpty || contents.strays.contains(where: { $0.why != Self.noFolder }) else {
            throw Failure(
                "no_sessions", "the folder has no sub-folders, so no sessions", path: folder,
                hint:
                    "--each takes a folder with one sub-folder per session; for a single session: --session ID FILE…",
                status: .nothingFound)
        }
        let progress = Progress(quiet: run.isQuiet)
        var failed = 0
        for (index, name) in folders.enumerated() {
            progress.update("ingesting \(index + 1) of \(counted(folders.count, "session")): \(Escape.display(name))")
            do {
                let (result, strays) = try take(name)
                progress.finish()
                let isWhole = run.report(result)
                complain(of: strays, in: "\(folder)/\(name)", session: result.session)
                if !isWhole || !strays.isEmpty { failed += 1 }
            } catch  where !Self.endsAll(error) {
                progress.finish()
                failed += 1
                var failure = FailureReport.failure(for: error)
                failure.path = failure.path ?? "\(folder)/\(name)"
                run.output.sink.flush()
                run.complain(failure)
            }
            if run.output.sink.isClosed { break }
        }
        progress.finish()
        complain(of: contents.strays, in: folder)
        if !run.output.json, !run.isQuiet {
            let whole = folders.count - failed
            run.output.text(
                "\(whole) of \(counted(folders.count, "session")) "
                    + "\(whole == 1 || folders.count == 1 ? "was" : "were") ingested completely")
        }
        try run.output.finish()
        if failed > 0 || !contents.strays.isEmpty { throw EndedWith(status: .partial) }
    }

    /// Entries beyond this number are counted, not named.
    private static let mostNamed = 20

    private func complain(of strays: [(name: String, why: String)], in place: String, session: String? = nil) {
        guard !strays.isEmpty else { return }
        run.output.sink.flush()
        for stray in strays.prefix(Self.mostNamed) {
            run.complain(
                Failure(
                    "left_out", "left out: \(stray.why)", session: session, path: "\(place)/\(stray.name)",
                    hint: place.utf8.count == folder.utf8.count
                        ? "put each session's files in a folder of its own, with a UTF-8 name"
                        : "fix that, or ingest the folder as it is: salvage ingest --session ID FOLDER"))
        }
        if strays.count > Self.mostNamed {
            run.complain(
                Failure("left_out", "left out: \(strays.count - Self.mostNamed) more, not listed here", path: place))
        }
    }

    private func take(_ name: String) throws -> (IngestRun.Result, strays: [(name: String, why: String)]) {
        let path = "\(folder)/\(name)"
        var entries: [String] = []
        var strays: [(name: String, why: String)] = []
        for entry in try OpenFolder(path: path).names() {
            if let text = entry.text { entries.append(text) } else { strays.append((entry.shown, Self.notText)) }
        }
        var files: [String] = []
        for entry in entries where entry != Self.metadataName {
            if let why = Self.obstacle("\(path)/\(entry)") {
                strays.append((entry, why))
            } else {
                files.append("\(path)/\(entry)")
            }
        }
        guard !files.isEmpty else {
            complain(of: strays, in: path)
            throw Failure("empty", "the session's folder contains nothing to ingest", path: path)
        }
        guard entries.contains(Self.metadataName) else { return (try run.take(files, as: name, description), strays) }
        let (session, said) = try Self.metadata(path + "/" + Self.metadataName)
        return (try run.take(files, as: session ?? name, description.completed(by: said)), strays)
    }

    /// The reason why an entry of a session's folder cannot be ingested; nil for a file or a folder.
    private static func obstacle(_ path: String) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return "cannot stat it: \(String(cString: strerror(errno)))" }
        let kind = facts.st_mode & S_IFMT
        return kind == S_IFREG || kind == S_IFDIR ? nil : "it is neither a file nor a folder"
    }

    private static let notText = "its name is not UTF-8"
    private static let noFolder = "it is not a folder"

    /// Errors that every further session would hit too.
    private static func endsAll(_ error: any Error) -> Bool {
        switch error {
        case let error as CatalogError: error.code != .unknownSession
        case let error as IngestError: error.code == .noSpace || error.code == .spawn
        case let error as PackError: error.code == .noSpace
        default: false
        }
    }

    /// Reads a metadata file. Unknown fields are ignored.
    private static func metadata(_ path: String) throws -> (session: String?, SessionDescription) {
        let text = try SmallFile.text(path, limit: metadataLimit, what: "the session's \(metadataName)")
        func wrong(_ why: String) -> Failure {
            Failure(
                "bad_metadata", "\(metadataName) \(why)", path: path,
                hint: "write a JSON object with session, image, tag, location, host, labels, created, exited")
        }
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: text.utf8) } catch {
            throw wrong("is not JSON: \(error.reason) at byte \(error.offset)")
        }
        guard let fields = value.members else { throw wrong("is not a JSON object") }
        func field(_ name: String) throws -> JSONValue? {
            let given = fields.filter { $0.name.hasSameBytes(as: name) && $0.value != .null }.map(\.value)
            guard given.allSatisfy({ $0 == given[0] }) else { throw wrong("gives '\(name)' twice") }
            return given.first
        }
        func string(_ name: String) throws -> String? {
            guard let value = try field(name) else { return nil }
            guard let text = value.string else { throw wrong("has a '\(name)' that is not a string") }
            return text
        }
        func instant(_ name: String) throws -> Int64? {
            guard let text = try string(name) else { return nil }
            guard let time = TimeText.parse(text, now: TimeText.now()) else {
                throw wrong("has a '\(name)' that is not a time: '\(text)'")
            }
            return time
        }
        var description = SessionDescription(
            image: try string("image"), tag: try string("tag"), location: try string("location"),
            host: try string("host"))
        if let labels = try field("labels") {
            guard let members = labels.members else { throw wrong("has 'labels' that are not an object") }
            for label in members {
                let key = label.name
                guard let text = label.value.string else { throw wrong("has 'labels' that are not all strings") }
                if let other = description.labels[key], !other.hasSameBytes(as: text) {
                    throw wrong("gives the label '\(key)' twice")
                }
                description.labels[key] = text
            }
        }
        description.created = try instant("created")
        description.exited = try instant("exited")
        if let exited = description.exited, exited > TimeText.now() { throw wrong("has an 'exited' in the future") }
        let session = try string("session")
        if session?.isEmpty == true { throw wrong("has an empty 'session'") }
        return (session, description)
    }

    /// Lists the folder, without names that begin with a dot.
    private static func contents(of folder: String) throws -> Contents {
        var contents = Contents()
        for name in try OpenFolder(path: folder).names() where !name.shown.hasPrefix(".") {
            guard let text = name.text else {
                contents.strays.append((name.shown, notText))
                continue
            }
            var facts = stat()
            if stat("\(folder)/\(text)", &facts) != 0 {
                contents.strays.append((text, "cannot stat it: \(String(cString: strerror(errno)))"))
            } else if facts.st_mode & S_IFMT == S_IFDIR {
                contents.sessions.append(text)
            } else {
                contents.strays.append((text, noFolder))
            }
        }
        return contents
    }
}
