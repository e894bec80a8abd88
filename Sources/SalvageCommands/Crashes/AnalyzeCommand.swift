import CrashAnalysis
import Files
import Glibc
import Harvest
import Ingest
import Model
import SalvageConfiguration
import Terminal
import Text

/// `salvage analyze`: runs the crash readers on files outside a store.
struct Analyze: Command {
    static var name: String { "analyze" }
    static var abstract: String { "Analyze crash dumps and logs without a store." }
    static var discussion: String {
        """
        Reads ELF cores, minidumps, microdumps, Unreal crash uploads and logs, compressed or not. The format is \
        detected by content. All files in a folder are treated as one session, as in an Unreal crash folder. Each \
        file is read in a confined process that cannot open files, so no path named in a dump is ever opened.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("file", "Dumps, logs, or folders of them.", isRequired: true, completion: .file) {
                $0.files.append($1)
            }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text(
                "symbols", value: "dir",
                "Where to find symbols: a folder with .build-id, a store, or a folder of executables and debug files.",
                completion: .folder
            ) { $0.symbols = $1 },
            .text(
                "exe", value: "file", "The executable that dumped core; needed if it has no build id or was renamed.",
                completion: .file
            ) { $0.exe = $1 },
            .toggle("errors", nil, "Also show errors that the program survived.") { $0.errors = true },
        ]
        return own + CrashTextOptions.flags.within(\.how)
    }

    var files: [String] = []
    var symbols: String?
    var exe: String?
    var errors = false
    var how = CrashTextOptions()
    var options = GlobalOptions()

    private static let mostFiles = 10_000

    func run() throws {
        let configuration = try StoreAccess.configuration(options)
        let rules = configuration.signatures
        let readers = AnalysisProcess(copiesItself: true, allowMissing: configuration.confinement.allowMissing)
        let store = symbols == nil && exe == nil ? nil : try TemporarySymbolStore(symbols, program: exe)
        let output = Output(options)
        var count = 0
        var failed = false
        for file in files {
            var records: [CrashRecord] = []
            var unreadable: [Failure] = []
            for path in try Self.expand(file, &unreadable) {
                do {
                    records += try Self.read(path, readers, store)
                } catch {
                    unreadable.append(FailureReport.failure(for: error))
                }
            }
            for failure in unreadable { failure.report(json: options.json, style: options.errorStyle) }
            failed = failed || !unreadable.isEmpty
            // A snapshot of a live process is shown too, though nothing crashed.
            records = CrashMerger.merge(records).filter { errors || $0.isCrash || $0.kind == CrashRecord.snapshot }
            for record in records {
                var record = record
                SignatureAlgorithm.sign(&record, rules: rules)
                write(record, first: count == 0, to: output)
                count += 1
                try output.checkReader()
            }
        }
        try output.finish()
        if failed { throw EndedWith(status: count > 0 ? .partial : .failure) }
        if count == 0 { try output.nothing("no crash was found in \(files.joined(separator: " "))", options) }
    }

    private func write(_ record: CrashRecord, first: Bool, to output: Output) {
        if options.json {
            output.sink.write(record.json() + [0x0A])
            return
        }
        let style = output.style
        if !first { output.text("") }
        output.text(style.bold(style.red(CrashWords.headline(record))))
        if let time = record.time { output.text("time       \(Escape.display(time))") }
        let quality = CrashWords.quality(record.signatureQuality.rawValue)
        output.text("signature  \(style.bold(Escape.display(record.signature)))\(quality)")
        if let hash = record.stackHash { output.text("stack      \(Escape.display(hash))") }
        CrashText(options: how, output: output).write(record)
    }

    /// Returns the file itself, or the non-empty regular files below a folder. Folders that cannot be listed are added
    /// to `unreadable`.
    private static func expand(_ path: String, _ unreadable: inout [Failure]) throws -> [String] {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw Failure("unreadable", "cannot read \(path): \(String(cString: strerror(errno)))", path: path)
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else { return [path] }
        var found: [String] = []
        var folders = [path]
        while let folder = folders.popLast(), found.count < mostFiles {
            let entries: [OpenFolder.Entry]
            do throws(FileFailure) { entries = try OpenFolder(path: folder).entries() } catch {
                unreadable.append(
                    Failure("unreadable", "cannot list \(folder): \(error.reason)", path: folder))
                continue
            }
            for entry in entries {
                switch entry.kind {
                case .folder: folders.append(folder + "/" + entry.name)
                case .file where entry.size > 0: found.append(folder + "/" + entry.name)
                default: break
                }
            }
        }
        return found.sorted()
    }

    private static func read(
        _ path: String, _ readers: AnalysisProcess, _ symbolStore: TemporarySymbolStore?
    ) throws -> [CrashRecord] {
        // Non-blocking: opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw Failure("unreadable", "cannot read \(path): \(String(cString: strerror(errno)))", path: path)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw Failure("unreadable", "cannot read \(path): not a regular file", path: path)
        }
        let modified = Int64(facts.st_mtim.tv_sec) &* 1000 &+ Int64(facts.st_mtim.tv_nsec) / 1_000_000
        func records() throws -> [CrashRecord] {
            try readers.analyze(descriptor: descriptor, name: path, modified: modified, symbols: symbolStore?.store)
                .records
        }
        guard let symbolStore, symbolStore.program != nil else { return try records() }
        // Read twice: only the dump says under which name its program is looked up.
        for record in try records() { try symbolStore.place(for: record) }
        return try records().map { symbolStore.marked($0) }
    }
}

/// The symbols that `--symbols` and `--exe` name: an existing symbol store, or a temporary one made from the given files.
private final class TemporarySymbolStore {
    let store: SymbolStore
    let program: String?
    private let temporary: String?
    private var placed: Set<String> = []
    private var identities: Set<String> = []

    init(_ path: String?, program: String?) throws {
        self.program = program
        let lying = path.flatMap { path in
            [path, path + "/symbols"].first { root in
                [".build-id", ".by-name"].contains { access(root + "/" + $0, F_OK) == 0 }
            }
        }
        if let lying, program == nil {
            store = SymbolStore(root: lying)
            temporary = nil
            return
        }
        let folder = try TemporaryFolder.make("salvage-symbols")
        temporary = folder
        store = SymbolStore(root: folder)
        if let lying {
            Self.link(SymbolStore(root: lying), into: folder)
        } else if let path {
            _ = try store.add(path: path)
        }
    }

    /// Fills the temporary store with links to the files of a user's store, which is not changed.
    private static func link(_ store: SymbolStore, into folder: String) {
        for entry in store.list() {
            let target = folder + entry.path.dropFirst(store.root.count)
            var parent = ""
            for part in target.split(separator: "/").dropLast() {
                parent += "/" + part
                mkdir(parent, 0o700)
            }
            guard let source = realpath(entry.path, nil) else { continue }
            symlink(source, target)
            free(source)
        }
    }

    /// Adds the program under the name that the dump gives its own program.
    func place(for record: CrashRecord) throws {
        guard let program, let name = Self.programName(record), placed.insert(name).inserted else { return }
        identities.formUnion(try store.add(program: program, as: name).identities)
    }

    /// Adds a note to the record if the program is not the one that dumped core.
    func marked(_ record: CrashRecord) -> CrashRecord {
        guard let program, let name = Self.programName(record),
            let module = record.modules.first(where: { $0.name == name }), let own = module.buildID ?? module.firstPage,
            !identities.contains(own)
        else { return record }
        var record = record
        record.notes.append(
            "\(program) is not the program of this dump: its \(module.buildID == nil ? "first page" : "build id") differs"
        )
        return record
    }

    private static func programName(_ record: CrashRecord) -> String? {
        guard let executable = record.executable else { return nil }
        let module = record.modules.first { $0.path == executable }
        return module?.name ?? executable.split(separator: "/").last.map(String.init)
    }

    deinit { if let temporary { TemporaryFolder.remove(temporary) } }
}
