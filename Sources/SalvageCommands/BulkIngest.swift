import Catalog
import Foundation
import Glibc
import Ingest
import Pack
import Terminal
import Text

/// `salvage ingest --each`: every folder in a folder is a session.
struct BulkIngest {
    let folder: String
    let description: SessionDescription
    let run: IngestRun

    /// What may stand in a session's folder to describe it; `export` writes one.
    static let metadataName = "salvage-metadata.json"
    private static let metadataLimit = 256 << 20

    func carryOut() throws {
        let names = try Self.names(in: folder).filter { !$0.hasPrefix(".") }
        let folders = names.filter { Self.isFolder("\(folder)/\($0)") }
        guard !folders.isEmpty else {
            throw Failure(
                "no_sessions", "the folder holds no folder, so no session", path: folder,
                hint:
                    "--each takes a folder that holds a folder for each session; for a single one: --session ID FILE…",
                status: .nothingFound)
        }
        let progress = Progress(quiet: run.isQuiet)
        var failed = 0
        for (index, name) in folders.enumerated() {
            progress.update("ingesting \(index + 1) of \(folders.count) sessions: \(Escape.display(name))")
            do {
                let result = try take(name)
                progress.finish()
                if !run.report(result) { failed += 1 }
            } catch  where !Self.endsAll(error) {
                progress.finish()
                failed += 1
                var failure = FailureReport.failure(for: error) ?? Failure("unexpected", "\(error)")
                failure.path = failure.path ?? "\(folder)/\(name)"
                run.output.sink.flush()
                run.complain(failure)
            }
            if run.output.sink.isClosed { break }
        }
        progress.finish()
        let stray = names.count - folders.count
        if stray > 0 {
            run.complain(
                Failure(
                    "left_out",
                    "\(stray == 1 ? "1 entry is" : "\(stray) entries are") no folder and was left out: "
                        + (names.first { !folders.contains($0) } ?? ""), path: folder,
                    hint: "a session's files stand in a folder of their own"))
        }
        if !run.output.json, !run.isQuiet {
            run.output.text(
                "\(folders.count - failed) of \(folders.count) sessions were ingested whole")
        }
        try run.output.finish()
        if failed > 0 || stray > 0 { throw EndedWith(status: .partial) }
    }

    private func take(_ name: String) throws -> IngestRun.Result {
        let path = "\(folder)/\(name)"
        let entries = try Self.names(in: path)
        let files = entries.filter { $0 != Self.metadataName }.map { "\(path)/\($0)" }
        guard !files.isEmpty else { throw Failure("empty", "the session's folder holds nothing to ingest", path: path) }
        guard entries.contains(Self.metadataName) else { return try run.take(files, as: name, description) }
        let (session, said) = try Self.metadata(path + "/" + Self.metadataName)
        return try run.take(files, as: session ?? name, description.completed(by: said))
    }

    /// Errors that every further session would meet as well.
    private static func endsAll(_ error: any Error) -> Bool {
        switch error {
        case let error as CatalogError: error.code != .unknownSession
        case let error as IngestError: error.code == .noSpace || error.code == .spawn
        case let error as PackError: error.code == .noSpace
        default: false
        }
    }

    /// What a metadata file says; fields that it does not know are passed over.
    private static func metadata(_ path: String) throws -> (session: String?, SessionDescription) {
        let text = try SmallFile.text(path, limit: metadataLimit, what: "a session's metadata")
        func wrong(_ why: String) -> Failure {
            Failure(
                "bad_metadata", "\(metadataName) \(why)", path: path,
                hint: "write a JSON object with session, image, tag, location, host, labels, created, exited")
        }
        guard let object = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] else {
            throw wrong("is no JSON object")
        }
        func string(_ name: String) throws -> String? {
            guard let value = object[name], !(value is NSNull) else { return nil }
            guard let text = value as? String else { throw wrong("has a '\(name)' that is no text") }
            return text
        }
        func instant(_ name: String) throws -> Int64? {
            guard let text = try string(name) else { return nil }
            guard let time = TimeText.parse(text, now: TimeText.now()) else {
                throw wrong("has a '\(name)' that is no time: '\(text)'")
            }
            return time
        }
        var description = SessionDescription(
            image: try string("image"), tag: try string("tag"), location: try string("location"),
            host: try string("host"))
        if let labels = object["labels"], !(labels is NSNull) {
            guard let labels = labels as? [String: String] else { throw wrong("has 'labels' that are not all text") }
            description.labels = ByteDictionary(labels.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
        description.created = try instant("created")
        description.exited = try instant("exited")
        if let exited = description.exited, exited > TimeText.now() { throw wrong("has an 'exited' in the future") }
        let session = try string("session")
        if session?.isEmpty == true { throw wrong("has an empty 'session'") }
        return (session, description)
    }

    /// Names in a folder, in order.
    private static func names(in path: String) throws -> [String] {
        guard let handle = opendir(path) else {
            throw Failure("unreadable", "cannot read a folder: \(String(cString: strerror(errno)))", path: path)
        }
        defer { closedir(handle) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            guard let name else {
                throw Failure("unreadable", "a name in the folder is not UTF-8; give it another", path: path)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else {
            throw Failure("unreadable", "cannot read a folder: \(String(cString: strerror(errno)))", path: path)
        }
        return names.sorted()
    }

    private static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
}
