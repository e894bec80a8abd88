import CrashAnalysis
import Model
import Terminal
import Text

/// The flags of `crash` and `analyze` that choose how much of a crash is shown.
struct CrashTextOptions {
    /// The values of `--threads`.
    enum Threads: String, CaseIterable {
        case crashed, all
    }

    var threads = Threads.crashed
    var modules = false
    var registers = false

    static var flags: [CommandFlag<Self>] {
        [
            .choice("threads", value: "which", "Threads whose stacks are shown.", occurrence: .lastWins) {
                $0.threads = $1
            },
            .toggle("modules", nil, "Show all mapped modules.") { $0.modules = true },
            .toggle("registers", nil, "Show the registers of the crashed thread.") { $0.registers = true },
        ]
    }
}

/// Writes a crash record: process, stacks, modules, notes.
struct CrashText {
    let options: CrashTextOptions
    let output: Output

    func write(_ record: CrashRecord) {
        writeProcess(record)
        writeStacks(record)
        writeModules(record)
        for note in record.notes { output.text(output.style.yellow("note: ") + Escape.display(note)) }
    }

    private func writeProcess(_ record: CrashRecord) {
        var facts: [String] = []
        if let executable = record.executable { facts.append(Escape.display(executable)) }
        if let pid = record.pid { facts.append("pid \(pid)") }
        if let count = record.threadCount { facts.append(counted(count, "thread")) }
        if let arch = record.arch { facts.append(Escape.display(arch)) }
        if let os = record.os { facts.append(Escape.display(os)) }
        if !facts.isEmpty { output.text("process    \(facts.joined(separator: ", "))") }
        if let line = record.commandLine { output.text("command    \(Escape.display(line))") }
        if let member = record.member {
            let others = record.alsoIn.isEmpty ? "" : ", also in \(record.alsoIn.joined(separator: ", "))"
            output.text("found in   \(Escape.display(member + others))")
        }
        if let message = record.message { output.text("message    \(Escape.display(message))") }
        if let cause = record.cause?.message, cause != record.message {
            output.text("cause      \(Escape.display(cause))")
        }
    }

    private func writeStacks(_ record: CrashRecord) {
        output.text("")
        if record.frames.isEmpty { output.text("No stack could be read.") }
        for frame in record.frames { output.text(CrashWords.frame(frame, style: output.style)) }
        let crashed = record.threads.first { $0.thread == record.thread }
        if options.registers, let crashed {
            output.text("")
            for (name, value) in crashed.registers.sorted(by: { $0.key < $1.key }) {
                output.text("\(Escape.display(name))  \(value)")
            }
        }
        let others = record.threads.filter { $0.thread != record.thread }
        guard options.threads == .all else {
            if !others.isEmpty {
                output.text(output.style.dim("… \(counted(others.count, "other thread")): --threads all"))
            }
            return
        }
        for thread in others {
            let name = thread.name.map { " " + Escape.display($0) } ?? ""
            output.text("\n" + output.style.bold("thread \(thread.thread)\(name)"))
            if thread.frames.isEmpty { output.text("not unwound") }
            for frame in thread.frames { output.text(CrashWords.frame(frame, style: output.style)) }
        }
    }

    private func writeModules(_ record: CrashRecord) {
        let missing = record.modules.filter { $0.symbols == .missing }
        if !missing.isEmpty {
            output.text(
                "\n" + output.style.yellow("symbols missing for ")
                    + missing.prefix(5).map { Escape.display($0.name) }.joined(separator: ", ")
                    + (missing.count > 5 ? " and \(missing.count - 5) more" : "")
                    + output.style.dim("  (salvage symbols missing)"))
        }
        guard options.modules else { return }
        output.text("")
        var table = Table([
            .number("BASE", priority: 3), .number("SIZE", priority: 4),
            .text("BUILD ID", priority: 1, cut: .middle, minimum: 16), TableColumn("SYMBOLS", priority: 2),
            .text("MODULE", priority: 0, cut: .middle, minimum: 16),
        ])
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
