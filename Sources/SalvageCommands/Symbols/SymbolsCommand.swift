import Catalog
import CrashAnalysis
import Glibc
import Harvest
import Ingest
import JSON
import Model
import Pack
import SalvageConfiguration
import Store
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
        let store = try Store(creating: StoreAccess.path(options))
        let configuration = try StoreAccess.configuration(options)
        let progress = Progress(quiet: options.quiet)
        let report = try store.addSymbols(
            paths, rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing,
            progress: { progress.update($0) })
        progress.finish()
        try write(report)
    }

    private func write(_ report: SymbolsReport) throws {
        let addition = report.addition
        let bytes = addition.added.reduce(UInt64(0)) { $0 &+ $1.size }
        let output = Output(options)
        if options.json {
            output.line(Shapes.symbolsAdded.line(report))
        } else {
            let files = counted(addition.added.count, "file")
            output.text(
                "added \(files), \(SizeText.binary(bytes)); \(addition.known) known, \(addition.skipped) not symbols"
            )
            if report.crashes > 0 {
                let crashes = counted(report.crashes, "crash", "crashes")
                output.text("symbolicated \(crashes); \(report.signatures) got a new signature")
            }
            if report.awaitingSymbols > 0 {
                output.text(SignaturesRefresh.awaiting(report.awaitingSymbols, "cannot be read now"))
            }
            for path in addition.withoutBuildID.prefix(20) {
                let what = output.style.yellow("no build id, found only by name and first page: ")
                output.text(what + Escape.display(path))
            }
            if addition.withoutBuildID.count > 20 { output.text("… and \(addition.withoutBuildID.count - 20) more") }
        }
        try output.finish()
        for error in report.unread { Failure(error).report(json: options.json, style: options.errorStyle) }
        if report.awaitingSymbols > 0 || !report.unread.isEmpty { throw EndedWith(status: .partial) }
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
        let survey = try StoreAccess.store(options).symbols.survey()
        var listing = Listing<SymbolStore.Entry>(Output(options))
        for entry in survey.entries { try listing.add(entry) }
        try listing.finish(
            orNothing: "the symbol store is empty", unread: survey.unread.map { StoreError($0) }, options)
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
        let missing = try StoreAccess.store(options).missingSymbols(try which.selection(select))
        var listing = Listing<MissingSymbols.Entry>(Output(options))
        for entry in missing.entries.prefix(select.limit ?? .max) { try listing.add(entry) }
        try listing.finish(
            orNothing: "no symbols are missing", unread: missing.unread.map { StoreError($0) }, options)
    }
}

extension SymbolStore.Entry: Row {
    static var columns: [Column] { ["IDENTITY", "KIND", .number("SIZE"), "PATH"] }

    var cells: [Table.Cell] {
        [
            Table.Cell(Escape.display(identity)) { $0.cyan($1) }, Table.Cell(kind.rawValue),
            Table.Cell(SizeText.binary(size)), Table.Cell(Escape.display(path)),
        ]
    }

    var json: [UInt8] { Shapes.symbolFile.line(self).utf8 }
}

extension MissingSymbols.Entry: Row {
    static var columns: [Column] { [.number("CRASHES"), "BUILD ID", "MODULE", "BUILDS"] }

    var cells: [Table.Cell] {
        let names = builds.prefix(4).map { Escape.display($0) }.joined(separator: " ")
        return [
            Table.Cell("\(crashes)") { $0.red($1) },
            Table.Cell(Escape.display(identity)) { $0.cyan($1) },
            Table.Cell(Escape.display(module)),
            Table.Cell(names + (builds.count > 4 ? " … (\(builds.count))" : "")),
        ]
    }

    var json: [UInt8] { Shapes.missingSymbols.line(self).utf8 }
}
