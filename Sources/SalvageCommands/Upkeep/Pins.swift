import Catalog
import Files
import Glibc
import JSON
import Model
import Pack
import Terminal

/// Sessions that prune must keep: one empty file each in `<store>/pins/`, named like the pack, so that pins outlive the
/// catalog.
struct Pins {
    private let folder: String
    private let names: Set<String>

    /// Reads the pins. Only a missing folder means that there are none: if a folder that cannot be read meant that too,
    /// prune would remove pinned sessions.
    ///
    /// - Throws: `FileFailure` when the folder cannot be read now.
    init(store: String) throws(FileFailure) {
        folder = store + "/pins"
        do throws(FileFailure) {
            names = Set(try OpenFolder(path: folder).entries().map(\.name).filter { !$0.hasPrefix(".") })
        } catch {
            guard error.isAbsence else { throw error }
            names = []
        }
    }

    func holds(_ session: String) -> Bool { names.contains(PackPath.escaped(session)) }

    func add(_ session: String) throws {
        try StoreAccess.makeFolders(folder)
        let path = folder + "/" + PackPath.escaped(session)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw refusal("be pinned", session, path) }
        close(descriptor)
        sync()
    }

    func remove(_ session: String) throws {
        let path = folder + "/" + PackPath.escaped(session)
        guard unlink(path) == 0 || errno == ENOENT else { throw refusal("be unpinned", session, path) }
        sync()
    }

    private func sync() {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func refusal(_ words: String, _ session: String, _ path: String) -> Failure {
        Failure(
            "pin_failed", "the session cannot \(words): \(String(cString: strerror(errno)))", session: session,
            path: path)
    }
}

/// `salvage pin`: keeps a session whatever the retention rules say.
struct Pin: Command {
    static var name: String { "pin" }
    static var abstract: String { "Exempt sessions from the retention rules; without a session, list pinned sessions." }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("sessions", "The sessions; a unique prefix of each id is enough.") { $0.sessions.append($1) }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("remove", nil, "Unpin the sessions instead.") { $0.remove = true }
        ]
    }

    var sessions: [String] = []
    var remove = false
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let pins = try Pins(store: catalog.store)
        let output = Output(options)
        guard !sessions.isEmpty else {
            if remove { throw Failure("usage", "--remove needs a session", status: .usage) }
            var isEmpty = true
            try catalog.forEachSession { session in
                guard pins.holds(session.session) else { return }
                isEmpty = false
                if options.json {
                    output.line(JSONLine(session: session))
                } else {
                    output.text(Escape.display(session.session))
                }
            }
            if isEmpty { try output.nothing("no session is pinned", options) }
            return try output.finish()
        }
        for id in try sessions.map({ try catalog.resolve($0) }) {
            try remove ? pins.remove(id) : pins.add(id)
            if options.json {
                var line = JSONLine()
                line.add("session", id)
                line.add("pinned", !remove)
                output.line(line)
            } else if !options.quiet {
                output.text("\(remove ? "released" : "pinned") \(Escape.display(id))")
            }
        }
        try output.finish()
    }
}
