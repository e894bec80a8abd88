import CrashAnalysis
import Ingest
import JSON
import Store
import Terminal
import Text

/// Prints what was ingested of a bundle, and reports what was not.
struct BundleIngestText {
    private let options: GlobalOptions
    private let sessions: IngestReportText

    init(_ options: GlobalOptions) {
        self.options = options
        sessions = IngestReportText(options)
    }

    /// Writes the verdict on the bundle, its sessions and its symbols.
    func write(_ report: BundleIngestReport) throws {
        if let verdict = report.verdict {
            VerdictLine(file: report.bundle, verdict: verdict).write(to: sessions.output, session: nil)
        }
        for session in report.sessions {
            if options.json { write(session) }
            sessions.write(session)
        }
        if let symbols = report.symbols { write(symbols, of: report.bundle) }
        for error in report.failures { sessions.complain(Failure(error)) }
    }

    /// Writes an error to standard error, after what was printed before it.
    func complain(_ failure: Failure) { sessions.complain(failure) }

    /// Flushes the output.
    func finish() throws { try sessions.output.finish() }

    private func write(_ session: IngestReport) {
        var line = JSONLine()
        line.add("session", session.session)
        line.add("pack", session.pack)
        line.add("members", session.members)
        line.add("crashes", session.crashes)
        line.add("whole", session.isWhole)
        sessions.output.line(line)
    }

    private func write(_ symbols: SymbolsReport, of bundle: String) {
        if options.json {
            var line = JSONLine()
            line.add("bundle", bundle)
            SymbolsText.add(symbols, to: &line)
            sessions.output.line(line)
        } else if !options.quiet {
            let files = counted(symbols.addition.added.count, "symbol file")
            sessions.output.text("added \(files); \(symbols.addition.known) known")
        }
        for error in symbols.unread { sessions.complain(Failure(error)) }
    }
}
