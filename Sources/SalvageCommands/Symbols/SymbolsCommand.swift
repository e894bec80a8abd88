import Catalog
import CrashAnalysis
import Glibc
import Ingest
import JSON
import Model
import Pack
import Terminal
import Text

/// `salvage symbols`: executables, debug files and Breakpad files by build id.
enum Symbols {
    /// The commands about symbols, for the table.
    static var noun: CommandNoun {
        CommandNoun(
            word: "symbols", abstract: "Manage debug symbols (function names and line numbers for stacks).",
            discussion: """
                Symbols are stored below symbols/ in the store, by build id, in the layout that gdb and elfutils read: \
                `set debug-file-directory STORE/symbols`.
                """,
            commands: [.query(SymbolsAdd.self), .query(SymbolsList.self), .query(SymbolsMissing.self)])
    }
}

/// `salvage symbols add`.
struct SymbolsAdd: Command {
    static var name: String { "symbols add" }
    static var abstract: String { "Add executables, libraries, .debug files, Breakpad .sym files, or an image's root." }
    static var discussion: String {
        """
        From a folder, adds every ELF file with a build id and every Breakpad file below it; links are not \
        followed. Crashes that need the new symbols are unwound and symbolicated again and may get a new \
        signature; the earlier signature still finds them.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("path", "Files, or folders such as an image's root file system.", isRequired: true, completion: .file)
            { $0.paths.append($1) }
        ]
    }

    var paths: [String] = []
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.createdPath(options)
        let symbols = CrashSigner.symbols(of: store)
        let progress = Progress(quiet: options.quiet)
        var total = SymbolStore.Addition()
        for path in paths {
            progress.update("adding \(Escape.display(path))")
            total.join(try symbols.add(path: path))
        }
        let renewal = try Self.renew(total.identities, store: store, options: options, progress: progress)
        progress.finish()
        try report(total, renewal)
    }

    /// What changed in the crashes that the new symbols concern.
    struct Renewal {
        var crashes = 0
        var signatures = 0
        /// Packs that could not be read; the crashes of their sessions stay as they were.
        var unread: [Failure] = []
    }

    private static func renew(
        _ identities: Set<String>, store: String, options: GlobalOptions, progress: Progress
    ) throws -> Renewal {
        var renewal = Renewal()
        guard !identities.isEmpty, access(store + "/" + Catalog.fileName, F_OK) == 0 else { return renewal }
        let catalog = try Catalog.open(store: store)
        var sessions: [String] = []
        for errors in [false, true] {
            try catalog.forEachCrash(Selection(errors: errors)) { row in
                if sessions.last != row.session, CrashSigner.mentions(row.json, any: identities) {
                    sessions.append(row.session)
                }
            }
        }
        let signer = try CrashSigner(options, store: store)
        var seen: Set<String> = []
        let concerned = sessions.filter { seen.insert($0).inserted }
        for (index, id) in concerned.enumerated() {
            progress.update("symbolicating \(index + 1) of \(counted(concerned.count, "session"))")
            guard let pack = try catalog.session(id)?.pack else { continue }
            let contents: PackContents
            do throws(PackError) {
                contents = try signer.contents(of: try PackReader.open(path: store + "/" + pack), path: pack)
            } catch {
                // Without the pack's tables its dumps would seem missing.
                renewal.unread.append(
                    Failure(
                        "pack_unreadable", "the pack cannot be read, so its stacks are unchanged: \(error.message)",
                        session: id, path: pack, hint: "salvage verify names what is damaged"))
                continue
            }
            let updates = contents.renewed.values.compactMap { json in
                CrashSigner.decode(json).map { CrashUpdate(session: id, crash: $0.crash, json: json) }
            }
            renewal.crashes += updates.count
            renewal.signatures += try catalog.update(crashes: updates)
        }
        if renewal.signatures > 0 { try AliasFile.save(catalog) }
        return renewal
    }

    private func report(_ addition: SymbolStore.Addition, _ renewal: Renewal) throws {
        let output = Output(options)
        if options.json {
            var line = JSONLine()
            line.add("added", addition.added.count)
            line.add("known", addition.known)
            line.add("skipped", addition.skipped)
            line.add("without_build_id", addition.withoutBuildID)
            line.add("crashes", renewal.crashes)
            line.add("signatures", renewal.signatures)
            output.line(line)
        } else {
            let files = counted(addition.added.count, "file")
            let bytes = addition.added.reduce(UInt64(0)) { $0 &+ $1.size }
            output.text(
                "added \(files), \(SizeText.binary(bytes)); \(addition.known) known, \(addition.skipped) not symbols"
            )
            if renewal.crashes > 0 {
                let crashes = counted(renewal.crashes, "crash", "crashes")
                output.text("symbolicated \(crashes); \(renewal.signatures) got a new signature")
            }
            for path in addition.withoutBuildID.prefix(20) {
                let what = output.style.yellow("no build id, found only by name and first page: ")
                output.text(what + Escape.display(path))
            }
            if addition.withoutBuildID.count > 20 { output.text("… and \(addition.withoutBuildID.count - 20) more") }
        }
        try output.finish()
        for failure in renewal.unread { failure.report(json: options.json, style: options.errorStyle) }
        if !renewal.unread.isEmpty { throw EndedWith(status: .partial) }
        if addition.added.isEmpty, addition.known == 0 {
            throw Failure(
                "no_symbols", "nothing with a build id was found in \(paths.joined(separator: " "))",
                hint: addition.withoutBuildID.isEmpty
                    ? "give executables, .debug files, Breakpad .sym files or a folder of them"
                    : "link with -Wl,--build-id=sha1", status: .nothingFound)
        }
    }
}

/// `salvage symbols list`.
struct SymbolsList: Command {
    static var name: String { "symbols list" }
    static var abstract: String { "List the symbols in the store." }

    var options = GlobalOptions()

    func run() throws {
        let entries = CrashSigner.symbols(of: try StoreAccess.path(options)).list()
        let output = Output(options)
        if entries.isEmpty { try output.nothing("the symbol store is empty", options) }
        var table = Table(["IDENTITY", "KIND", "SIZE", "PATH"], rightAligned: [2])
        for entry in entries {
            if options.json {
                var line = JSONLine()
                line.add("identity", entry.identity)
                line.add("kind", entry.kind.rawValue)
                line.add("size", entry.size)
                line.add("path", entry.path)
                output.line(line)
                try output.checkReader()
            } else {
                table.add([
                    Table.Cell(Escape.display(entry.identity)) { $0.cyan($1) }, Table.Cell(entry.kind.rawValue),
                    Table.Cell(SizeText.binary(entry.size)), Table.Cell(Escape.display(entry.path)),
                ])
            }
        }
        if !options.json { table.write(to: output.sink, style: output.style) }
        try output.finish()
    }
}

/// `salvage symbols missing`.
struct SymbolsMissing: Command {
    static var name: String { "symbols missing" }
    static var abstract: String { "List the build ids that crashes need symbols for, most crashes first." }
    static var discussion: String {
        """
        A crash needs a module's symbols when a frame of its crashed thread is in the module and has no name.
        """
    }
    static var flags: [CommandFlag<Self>] {
        CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        var selection = try which.selection(select)
        selection.limit = nil
        var missing = MissingSymbols(CrashSigner.symbols(of: catalog.store))
        for wanted in try catalog.wantedModules(selection) {
            let build = [wanted.image.isEmpty ? nil : wanted.image, wanted.tag].compactMap { $0 }.joined(separator: ":")
            let waiting = wanted.modules.map { ($0.buildID, $0.module) }
            missing.add(Dictionary(waiting) { first, _ in first }, build: build, crashes: wanted.crashes)
        }
        let output = Output(options)
        let entries = missing.entries.prefix(select.limit ?? .max)
        if entries.isEmpty { try output.nothing("no symbols are missing", options) }
        var table = Table(["CRASHES", "BUILD ID", "MODULE", "BUILDS"], rightAligned: [0])
        for entry in entries {
            if options.json {
                var line = JSONLine()
                line.add("build_id", entry.identity)
                line.add("module", entry.module)
                line.add("crashes", entry.crashes)
                line.add("builds", entry.builds)
                output.line(line)
                try output.checkReader()
            } else {
                let builds = entry.builds.prefix(4).map { Escape.display($0) }.joined(separator: " ")
                table.add([
                    Table.Cell("\(entry.crashes)") { $0.red($1) },
                    Table.Cell(Escape.display(entry.identity)) { $0.cyan($1) },
                    Table.Cell(Escape.display(entry.module)),
                    Table.Cell(builds + (entry.builds.count > 4 ? " … (\(entry.builds.count))" : "")),
                ])
            }
        }
        if !options.json { table.write(to: output.sink, style: output.style) }
        try output.finish()
    }
}
