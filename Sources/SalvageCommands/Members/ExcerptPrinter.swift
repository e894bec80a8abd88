import Calendar
import Catalog
import Glibc
import JSON
import Model
import Store
import Terminal
import Text

/// Prints the log lines before crashes, each under a heading.
struct ExcerptPrinter {
    private let output: Output
    private let lineNumbers: Bool
    private let escapes: Bool
    private let options: GlobalOptions

    init(_ options: GlobalOptions, lineNumbers: Bool) {
        self.options = options
        self.lineNumbers = lineNumbers
        output = Output(options)
        escapes = StandardStream.outputIsTerminal
    }

    /// Prints all excerpts, says how many sessions are left, and ends the command with its exit code.
    func print(_ found: CrashExcerpts, limit: Int) throws {
        guard !found.excerpts.isEmpty else { try output.nothing("no crash is selected", options) }
        for (index, excerpt) in found.excerpts.enumerated() {
            if options.json {
                output.line(Shapes.crashExcerpt.line(excerpt))
            } else {
                if index > 0 { output.text("") }
                text(excerpt)
            }
            try output.checkReader()
        }
        try output.finish()
        let unread = found.excerpts.compactMap { excerpt in excerpt.problem.map { (excerpt.session.id, $0) } }
        for (session, problem) in unread {
            var failure = Failure(problem)
            failure.session = failure.session ?? session
            failure.report(json: options.json, style: options.errorStyle)
        }
        if found.more > 0, !options.quiet, !options.json {
            let sink = BufferedOutput(descriptor: STDERR_FILENO)
            let (all, overflow) = limit.addingReportingOverflow(found.more)
            sink.write(
                "salvage: note: \(counted(found.more, "more session has", "more sessions have")) such a crash; "
                    + "--sessions \(overflow ? Int.max : all) prints all\n")
            sink.flush()
        }
        if !unread.isEmpty { throw EndedWith(status: .partial) }
    }

    private func text(_ excerpt: CrashExcerpt) {
        let session = excerpt.session
        var facts = [session.tag, session.location].compactMap(\.self).map { Escape.display($0) }
        facts.append("crash \(Escape.display(excerpt.crash))")
        if let time = excerpt.time { facts.append(TimeText.zoned(time)) }
        let style = options.style
        output.text(style.bold("==> " + Escape.display(session.id)) + "  " + facts.joined(separator: "  "))
        if let signature = excerpt.signature { output.text(style.dim("    " + Escape.display(signature))) }
        if !excerpt.path.isEmpty { output.text(style.magenta("    " + Escape.path(excerpt.path))) }
        if let note = excerpt.note { output.text(style.dim("    \(note)")) }
        if let problem = excerpt.problem { output.text(style.yellow("    " + Escape.display(problem.message))) }
        for line in excerpt.lines {
            if lineNumbers { output.sink.write(style.green("\(line.number)") + ":") }
            if escapes {
                output.text(Escape.display(line.text))
            } else {
                output.sink.write(line.text + [0x0A])
            }
        }
    }
}
