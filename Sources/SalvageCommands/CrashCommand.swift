import ArgumentParser
import Catalog
import CrashAnalysis
import Terminal

/// `salvage crash`: one crash in full.
struct Crash: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show one crash in full, with stacks.",
        discussion: "A session's id shows all crashes of the session.")

    @Argument(help: "The crash's id, or its session's; a unique prefix is enough.") var crash: String
    @Flag(help: "Show the stacks of all threads.") var threads = false
    @Flag(help: "Show every module that was mapped.") var modules = false
    @Flag(help: "Show the registers of the crashed thread.") var registers = false
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let rows = try catalog.crashes(named: crash)
        let output = Output(options)
        if rows.isEmpty { try output.nothing("session \(crash) has no crash", options) }
        for (index, row) in rows.enumerated() {
            let view = CrashView(row)
            if options.json {
                output.sink.write(view.json + [0x0A])
            } else {
                if index > 0 { output.text("") }
                write(view, known: try catalog.signature(row.signature), to: output)
            }
            try output.checkReader()
        }
        try output.finish()
    }

    private func write(_ view: CrashView, known: SignatureSummary?, to output: Output) {
        let style = output.style
        let row = view.row
        output.text(style.bold(style.red(view.headline)))
        output.text("crash      \(Escape.display(row.crash))")
        let build = [row.image.isEmpty ? nil : row.image, row.tag].compactMap { $0 }.joined(separator: " ")
        let place = row.location.map { " in \(Escape.display($0))" } ?? ""
        output.text("session    \(Escape.display(row.session)), \(Escape.display(build))\(place)")
        if let time = row.time { output.text("time       \(TimeText.table(time)) UTC") }
        output.text("signature  \(style.bold(Escape.display(row.signature)))\(Self.quality(row.signatureQuality))")
        if let known { output.text("seen       \(Self.history(known))") }
        if let hash = row.stackHash { output.text("stack      \(Escape.display(hash))") }
        guard let record = view.record else {
            output.text("The record itself could not be read; --json prints what the catalog knows.")
            return
        }
        writeProcess(record, to: output)
        writeStacks(record, to: output)
        writeModules(record, to: output)
        for note in record.notes { output.text(style.yellow("note: ") + Escape.display(note)) }
    }

    static func quality(_ quality: String?) -> String {
        switch quality {
        case "message": "  (from a message)"
        case "offset": "  (from offsets: differs between builds; add symbols)"
        case "none": "  (nothing but the kind of crash)"
        default: ""
        }
    }

    static func history(_ known: SignatureSummary) -> String {
        let crashes = known.count == 1 ? "1 crash" : "\(known.count) crashes"
        let sessions = known.sessions == 1 ? "1 session" : "\(known.sessions) sessions"
        return "\(crashes) in \(sessions), first \(TimeText.table(known.firstSeen)), "
            + "last \(TimeText.table(known.lastSeen))"
    }

    private func writeProcess(_ record: CrashRecord, to output: Output) {
        var facts: [String] = []
        if let executable = record.executable { facts.append(Escape.display(executable)) }
        if let pid = record.pid { facts.append("pid \(pid)") }
        if let count = record.threadCount { facts.append("\(count) threads") }
        if let arch = record.arch { facts.append(Escape.display(arch)) }
        if let os = record.os { facts.append(Escape.display(os)) }
        if !facts.isEmpty { output.text("process    \(facts.joined(separator: ", "))") }
        if let line = record.commandLine { output.text("command    \(Escape.display(line))") }
        if let member = record.member {
            let others = record.alsoIn.isEmpty ? "" : ", also in \(record.alsoIn.joined(separator: ", "))"
            output.text("found in   \(Escape.display(member + others))")
        }
        if let message = record.message { output.text("message    \(Escape.display(message))") }
    }

    private func writeStacks(_ record: CrashRecord, to output: Output) {
        output.text("")
        if record.frames.isEmpty { output.text("No stack could be read.") }
        for frame in record.frames { output.text(CrashView.text(frame, style: output.style)) }
        let crashed = record.threads.first { $0.thread == record.thread }
        if registers, let crashed {
            output.text("")
            for (name, value) in crashed.registers.sorted(by: { $0.key < $1.key }) {
                output.text("\(Escape.display(name))  \(value)")
            }
        }
        let others = record.threads.filter { $0.thread != record.thread }
        guard threads else {
            if !others.isEmpty {
                output.text(output.style.dim("… \(others.count) other threads: --threads"))
            }
            return
        }
        for thread in others {
            let name = thread.name.map { " " + Escape.display($0) } ?? ""
            output.text("\n" + output.style.bold("thread \(thread.thread)\(name)"))
            if thread.frames.isEmpty { output.text("not unwound") }
            for frame in thread.frames { output.text(CrashView.text(frame, style: output.style)) }
        }
    }

    private func writeModules(_ record: CrashRecord, to output: Output) {
        let missing = record.modules.filter { $0.symbols == .missing }
        if !missing.isEmpty {
            output.text(
                "\n" + output.style.yellow("symbols missing for ")
                    + missing.prefix(5).map { Escape.display($0.name) }.joined(separator: ", ")
                    + (missing.count > 5 ? " and \(missing.count - 5) more" : "")
                    + output.style.dim("  (salvage symbols missing)"))
        }
        guard modules else { return }
        output.text("")
        var table = Table(["BASE", "SIZE", "BUILD ID", "SYMBOLS", "MODULE"], rightAligned: [0, 1])
        for module in record.modules {
            table.add([
                Table.Cell("\(module.base)"),
                Table.Cell(SizeText.binary(module.size)),
                Table.Cell(Escape.display(module.buildID ?? module.debugID ?? "-")),
                Table.Cell(module.symbols.rawValue),
                Table.Cell(Escape.display(module.path ?? module.name)),
            ])
        }
        table.write(to: output.sink, style: output.style)
    }
}
