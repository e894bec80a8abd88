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
            commands: [
                .network(SymbolsAdd.self), .query(SymbolsList.self), .query(SymbolsMissing.self),
                .network(SymbolsFetch.self),
            ])
    }
}

/// `salvage symbols list`.
struct SymbolsList: Command {
    static var name: String { "symbols list" }
    static var abstract: String { "List the symbols in the store." }

    var options = GlobalOptions()

    func run() throws {
        let survey = try StoreAccess.store(options).symbolSurvey()
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
    static var columns: [Column] {
        [
            .text("IDENTITY", priority: 0, cut: .middle, minimum: 16), Column("KIND", priority: 2),
            .number("SIZE", priority: 3), .text("PATH", priority: 1, cut: .middle),
        ]
    }

    var cells: [Table.Cell] {
        [
            Table.Cell(Escape.display(identity)) { $0.cyan($1) }, Table.Cell(kind.rawValue),
            Table.Cell(SizeText.binary(size)), Table.Cell(Escape.display(path)),
        ]
    }

    var json: [UInt8] { Shapes.symbolFile.line(self).utf8 }
}

extension MissingSymbols.Entry: Row {
    static var columns: [Column] {
        [
            .number("CRASHES", priority: 1), .text("BUILD ID", priority: 0, cut: .middle, minimum: 16),
            .text("MODULE", priority: 1, cut: .middle), .text("BUILDS", priority: 2),
        ]
    }

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
