import Catalog
import CrashAnalysis
import Model
import Terminal

/// `salvage crashes`: list them, or group them by signature.
enum Crashes {
    /// The commands about many crashes, for the table.
    static var noun: CommandNoun {
        CommandNoun(
            word: "crashes",
            abstract: "List crashes, group them (`crashes top`), or compare two builds (`crashes diff`).",
            commands: [.query(CrashesList.self), .query(CrashesTop.self), .query(CrashesDiff.self)],
            standard: .query(CrashesList.self))
    }
}

/// The flags that choose crashes within the selected sessions.
struct CrashOptions {
    var signature: [String] = []
    var errors = false

    static var flags: [CommandFlag<Self>] {
        [
            .texts(
                "signature", value: "text",
                "Only crashes whose signature equals or matches this text or glob. May be repeated."
            ) { $0.signature.append($1) },
            .toggle("errors", nil, "Instead of crashes, show survived errors and snapshots of live processes.") {
                $0.errors = true
            },
        ]
    }

    /// Returns the session selection with these flags added; throws as `SelectionOptions.selection` does.
    func selection(_ select: SelectionOptions) throws -> Selection {
        var selection = try select.selection()
        selection.signatures = signature
        selection.errors = errors
        return selection
    }
}

/// `salvage crashes list`, the default of `salvage crashes`.
struct CrashesList: Command {
    static var name: String { "crashes list" }
    static var abstract: String { "List crashes, newest first." }
    static var discussion: String {
        "--since and --until apply to the time of the crash."
    }
    static var flags: [CommandFlag<Self>] {
        CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let output = Output(options)
        var count = 0
        var table = Table(["TIME", "CRASH", "SESSION", "TAG", "LOCATION", "KIND", "REASON", "SIGNATURE"])
        try catalog.forEachCrash(try which.selection(select)) { row in
            count += 1
            if options.json {
                output.sink.write(CrashView(row).json() + [0x0A])
                try output.checkReader()
            } else {
                table.add(Self.row(row))
            }
        }
        try LiveCrashes(store: catalog.store).forEach(try which.selection(select), catalog) { record in
            count += 1
            if options.json {
                output.sink.write(LiveCrashes.json(record) + [0x0A])
            } else {
                table.add(Self.row(record))
            }
        }
        if count == 0 { try output.nothing("no crash matches", options) }
        if !options.json { table.write(to: output.sink, style: output.style) }
        try output.finish()
    }

    private static func row(_ crash: CrashRecord) -> [Table.Cell] {
        [
            Table.Cell(
                crash.time.flatMap { TimeText.parse($0, now: TimeText.now()) }.map { TimeText.table($0) } ?? "-"),
            Table.Cell(Escape.display(crash.crash)) { $0.cyan($1) },
            Table.Cell(Escape.display(crash.session ?? "-")),
            Table.Cell(crash.tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(crash.location.map { Escape.display($0) } ?? "-"),
            Table.Cell(Escape.display(crash.kind) + " (running)"),
            Table.Cell(Escape.display(crash.signal ?? crash.exception ?? "-")) { $0.red($1) },
            Table.Cell(Escape.display(crash.signature)),
        ]
    }

    private static func row(_ crash: CrashRow) -> [Table.Cell] {
        [
            Table.Cell(crash.time.map { TimeText.table($0) } ?? "-"),
            Table.Cell(Escape.display(crash.crash)) { $0.cyan($1) },
            Table.Cell(Escape.display(crash.session)),
            Table.Cell(crash.tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(crash.location.map { Escape.display($0) } ?? "-"),
            Table.Cell(Escape.display(crash.kind)),
            Table.Cell(Escape.display(crash.signal ?? crash.exception ?? "-")) { $0.red($1) },
            Table.Cell(Escape.display(crash.signature)),
        ]
    }
}
