import Catalog
import CrashAnalysis
import Glibc
import JSON
import Model
import Store
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
            .optional(
                "crash", "The id of a crash or a session; a unique prefix is enough. Without it, the latest crash."
            ) { $0.crash = $1 }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text(
                "debug", value: "debugger",
                "Start a debugger on the core, with the matching executables and symbols from the store: gdb, else lldb; "
                    + "--debug=gdb or --debug=lldb chooses one.", completion: .words(["gdb", "lldb"]), bareValue: "any"
            ) { $0.debug = $1 }
        ]
        return own + CrashTextOptions.flags.within(\.how)
    }

    var crash: String?
    var debug: String?
    var how = CrashTextOptions()
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options)
        let output = Output(options)
        let crash = try crash ?? latest(store, output)
        let crashes = try store.crashes(named: crash)
        if let debugger = try debugger() { try startDebugger(debugger, on: crashes, of: store) }
        if crashes.isEmpty { try output.nothing("session \(crash) has no crashes", options) }
        for (index, crash) in crashes.enumerated() {
            let report = try store.report(on: crash)
            if options.json {
                output.line(report.json)
            } else {
                if index > 0 { output.text("") }
                write(report, to: output)
            }
            try output.checkReader()
        }
        try output.finish()
    }

    /// The id of the crash to show when none is named, which is said.
    private func latest(_ store: Store, _ output: Output) throws -> String {
        guard let crash = try store.crashPage(limit: 1).rows.first else {
            try output.nothing("the store has no crashes", options)
        }
        output.note("latest crash: \(crash.row.crash)", options)
        return crash.row.crash
    }

    /// The debuggers that may be started, the preferred one first; nil without `--debug`.
    private func debugger() throws -> [CoreDebugging.Debugger]? {
        guard let debug else { return nil }
        if debug == "any" { return CoreDebugging.Debugger.allCases }
        guard let named = CoreDebugging.Debugger(rawValue: debug) else {
            throw Failure.usage(
                "invalid value '\(debug)' for --debug", hint: "write --debug, --debug=gdb or --debug=lldb")
        }
        return [named]
    }

    /// Runs a debugger until it exits, then ends the command: with success if it exited with 0, else with failure.
    private func startDebugger(
        _ debuggers: [CoreDebugging.Debugger], on crashes: [ListedCrash], of store: Store
    ) throws -> Never {
        let progress = Progress(quiet: options.quiet)
        let debugging = try store.debug(crashes, with: debuggers, progress: { progress.update($0) })
        progress.finish()
        for error in debugging.unreadSymbols {
            Failure(error).report(json: options.json, style: options.errorStyle)
        }
        if !debugging.hasProgram, !options.quiet {
            let sink = BufferedOutput(descriptor: STDERR_FILENO)
            sink.write("salvage: the executable is not in the symbol store: salvage symbols add FILE\n")
            sink.flush()
        }
        throw EndedWith(status: try debugging.run() == 0 ? .success : .failure)
    }

    /// Writes a crash as text.
    func write(_ report: CrashReport, to output: Output) {
        switch report.crash {
        case .stored(let crash): write(crash, report, to: output)
        case .followed(let record): write(record, to: output)
        }
    }

    private func write(_ record: CrashRecord, to output: Output) {
        let style = output.style
        output.text(style.bold(style.red(CrashWords.headline(record))))
        output.text("crash      \(Escape.display(record.crash))  (running: the record may still change)")
        let build = [record.image, record.tag].compactMap { $0 }.joined(separator: " ")
        let place = record.location.map { " in \(Escape.display($0))" } ?? ""
        output.text("session    \(Escape.display(record.session ?? "-")), \(Escape.display(build))\(place)")
        if let time = record.time { output.text("time       \(CrashWords.time(time))") }
        let quality = CrashWords.quality(record.signatureQuality.rawValue)
        output.text("signature  \(style.bold(Escape.display(record.signature)))\(quality)")
        if let hash = record.stackHash { output.text("stack      \(Escape.display(hash))") }
        CrashText(options: how, output: output).write(record)
    }

    private func write(_ crash: StoredCrash, _ report: CrashReport, to output: Output) {
        let style = output.style
        let row = crash.row
        output.text(style.bold(style.red(CrashWords.headline(crash))))
        output.text("crash      \(Escape.display(row.crash))")
        let build = [row.image.isEmpty ? nil : row.image, row.tag].compactMap { $0 }.joined(separator: " ")
        let place = row.location.map { " in \(Escape.display($0))" } ?? ""
        output.text("session    \(Escape.display(row.session)), \(Escape.display(build))\(place)")
        if let time = row.time { output.text("time       \(TimeText.zoned(time))") }
        output.text(
            "signature  \(style.bold(Escape.display(row.signature)))\(CrashWords.quality(row.signatureQuality))")
        for alias in report.aliases { output.text("earlier    " + style.dim(Escape.display(alias))) }
        if let known = report.signature {
            for (name, fact) in zip(["seen       ", "           ", "state      "], CrashWords.history(known)) {
                output.text(name + fact)
            }
        }
        if let hash = row.stackHash { output.text("stack      \(Escape.display(hash))") }
        guard let record = crash.record else {
            output.text("The record could not be read; --json prints what the catalog has.")
            return
        }
        CrashText(options: how, output: output).write(record)
    }
}
