import Catalog
import CrashAnalysis
import Model
import Terminal
import Text

/// `salvage crash`: one crash in full.
struct Crash: Command {
    static var name: String { "crash" }
    static var abstract: String { "Show one crash in full, with stacks." }
    static var discussion: String {
        "With a session's id, shows all crashes of that session."
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .one("crash", "The id of a crash or a session; a unique prefix is enough.") { $0.crash = $1 }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .toggle("debug", nil, "Start gdb on the core, with the matching executables and symbols from the store.") {
                $0.debug = true
            }
        ]
        return own + CrashTextOptions.flags.within(\.how)
    }

    var crash = ""
    var debug = false
    var how = CrashTextOptions()
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let (rows, running) = try find(catalog)
        let output = Output(options)
        if debug { try CrashDebugger(catalog: catalog, options: options).run(rows) }
        if rows.isEmpty, running.isEmpty { try output.nothing("session \(crash) has no crashes", options) }
        for (index, row) in rows.enumerated() {
            let view = CrashView(row)
            if options.json {
                output.sink.write(view.json(aliases: try catalog.aliases(ofCrash: row.crash)) + [0x0A])
            } else {
                if index > 0 { output.text("") }
                let aliases = try catalog.aliases(ofCrash: row.crash)
                write(view, known: try catalog.signature(row.signature), aliases: aliases, to: output)
            }
            try output.checkReader()
        }
        for (index, record) in running.enumerated() {
            if options.json {
                output.sink.write(LiveCrashes.json(record) + [0x0A])
            } else {
                if index > 0 { output.text("") }
                write(record, to: output)
            }
            try output.checkReader()
        }
        try output.finish()
    }

    /// Returns the crashes in the catalog, else those found in a followed log.
    private func find(_ catalog: Catalog) throws -> (rows: [CrashRow], running: [CrashRecord]) {
        let live = LiveCrashes(store: catalog.store)
        do {
            let rows = try catalog.crashes(named: crash)
            return (rows, rows.isEmpty ? try live.named(crash, catalog) : [])
        } catch let error as CatalogError where error.code == .unknownSession {
            let running = try live.named(crash, catalog)
            if running.isEmpty { throw error }
            return ([], running)
        }
    }

    private func write(_ record: CrashRecord, to output: Output) {
        let style = output.style
        output.text(style.bold(style.red(CrashView.headline(record))))
        output.text("crash      \(Escape.display(record.crash))  (running: the record may still change)")
        let build = [record.image, record.tag].compactMap { $0 }.joined(separator: " ")
        let place = record.location.map { " in \(Escape.display($0))" } ?? ""
        output.text("session    \(Escape.display(record.session ?? "-")), \(Escape.display(build))\(place)")
        if let time = record.time { output.text("time       \(Escape.display(time))") }
        let quality = Self.quality(record.signatureQuality.rawValue)
        output.text("signature  \(style.bold(Escape.display(record.signature)))\(quality)")
        if let hash = record.stackHash { output.text("stack      \(Escape.display(hash))") }
        CrashText(options: how, output: output).write(record)
    }

    private func write(_ view: CrashView, known: SignatureSummary?, aliases: [String], to output: Output) {
        let style = output.style
        let row = view.row
        output.text(style.bold(style.red(view.headline)))
        output.text("crash      \(Escape.display(row.crash))")
        let build = [row.image.isEmpty ? nil : row.image, row.tag].compactMap { $0 }.joined(separator: " ")
        let place = row.location.map { " in \(Escape.display($0))" } ?? ""
        output.text("session    \(Escape.display(row.session)), \(Escape.display(build))\(place)")
        if let time = row.time { output.text("time       \(TimeText.table(time)) UTC") }
        output.text("signature  \(style.bold(Escape.display(row.signature)))\(Self.quality(row.signatureQuality))")
        for alias in aliases { output.text("earlier    " + style.dim(Escape.display(alias))) }
        if let known { output.text("seen       \(Self.history(known))") }
        if let hash = row.stackHash { output.text("stack      \(Escape.display(hash))") }
        guard let record = view.record else {
            output.text("The record could not be read; --json prints what the catalog has.")
            return
        }
        CrashText(options: how, output: output).write(record)
    }

    static func quality(_ quality: String?) -> String {
        switch quality {
        case "message": "  (from a message)"
        case "offset": "  (from offsets: differs between builds; add symbols)"
        case "none": "  (only the kind of crash is known)"
        default: ""
        }
    }

    static func history(_ known: SignatureSummary) -> String {
        let crashes = counted(known.count, "crash", "crashes")
        let sessions = counted(known.sessions, "session")
        return "\(crashes) in \(sessions), first \(TimeText.table(known.firstSeen)), "
            + "last \(TimeText.table(known.lastSeen))"
    }
}
