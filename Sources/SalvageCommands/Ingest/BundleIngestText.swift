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
            if options.json { sessions.output.line(Shapes.ingestedSession.line(session)) }
            sessions.write(session)
        }
        if let symbols = report.symbols { write(symbols) }
        for error in report.failures { sessions.complain(Failure(error)) }
    }

    /// Writes an error to standard error, after what was printed before it.
    func complain(_ failure: Failure) { sessions.complain(failure) }

    /// Flushes the output.
    func finish() throws { try sessions.output.finish() }

    private func write(_ symbols: SymbolsReport) {
        if options.json {
            sessions.output.line(Shapes.symbolsAdded.line(symbols))
        } else if !options.quiet {
            let files = counted(symbols.addition.added.count, "symbol file")
            sessions.output.text("added \(files); \(symbols.addition.known) known")
        }
        for error in symbols.unread { sessions.complain(Failure(error)) }
    }
}
