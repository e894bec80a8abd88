import Ingest
import Model
import Store
import Terminal
import Text

/// Prints what was ingested, and reports what was not.
struct IngestReportText {
    let output: Output
    private let options: GlobalOptions

    /// Entries beyond this number are counted, not named.
    private static let mostNamed = 20

    init(_ options: GlobalOptions) {
        self.options = options
        output = Output(options)
    }

    /// Writes the verdicts on a session's files and reports what is damaged or missing.
    func write(_ report: IngestReport) {
        let session = report.session
        for judged in report.judged {
            let line = VerdictLine(file: judged.file, verdict: judged.verdict)
            // --quiet leaves out what is well; JSON objects are the results.
            if options.json || !options.quiet || judged.verdict.verdict != .ok {
                line.write(to: output, session: session)
            }
        }
        if !options.json, !options.quiet {
            let members = counted(report.members, "member")
            let crashes = counted(report.crashes, "crash", "crashes")
            output.text("session \(Escape.display(session)): \(members), \(crashes) in \(report.pack)")
        }
        output.sink.flush()
        for sentence in report.unread {
            complain(
                Failure(
                    "partial", sentence, session: session,
                    hint: "the other files are stored; make the named ones readable, then run the command again"))
        }
        for file in report.quarantined {
            complain(
                Failure(
                    "partial", "a copy is quarantined in \(file.place): \(file.reason)", session: session,
                    hint: "the other files are stored; to try this one again: salvage ingest --session SESSION FILE"))
        }
        for damage in report.earlierDamage {
            complain(
                Failure(
                    EarlierDamage.flag, damage, session: session,
                    hint: "salvage verify names what is damaged; delete the set-aside pack when nobody needs it"))
        }
        for file in report.waiting {
            complain(
                Failure(
                    "not_packed", "not ingested: \(file.reason)", session: session, path: file.file,
                    hint: "the fault is this machine's, not the file's, which is unchanged: run the command again"))
        }
    }

    /// Reports the entries of a session's folder that were left out.
    func write(leftOut strays: [SessionFolders.Stray], of session: SessionFolders.Session) {
        write(
            strays, in: session.path, session: session.id,
            hint: "fix that, or ingest the folder as it is: salvage ingest --session ID FOLDER")
    }

    /// Reports the entries of the folder of sessions that were left out.
    func write(leftOut strays: [SessionFolders.Stray], in folder: String) {
        write(
            strays, in: folder, session: nil,
            hint: "put each session's files in a folder of its own, with a UTF-8 name")
    }

    private func write(_ strays: [SessionFolders.Stray], in folder: String, session: String?, hint: String) {
        for stray in strays.prefix(Self.mostNamed) {
            complain(
                Failure(
                    "left_out", "left out: \(stray.reason)", session: session, path: "\(folder)/\(stray.name)",
                    hint: hint)
            )
        }
        if strays.count > Self.mostNamed {
            complain(
                Failure(
                    "left_out", "left out: \(strays.count - Self.mostNamed) more, not listed here", path: folder))
        }
    }

    /// Writes how many of several sessions were ingested completely.
    func writeTotals(sessions: Int, failed: Int) {
        guard !options.json, !options.quiet else { return }
        let whole = sessions - failed
        output.text(
            "\(whole) of \(counted(sessions, "session")) \(whole == 1 || sessions == 1 ? "was" : "were") ingested completely"
        )
    }

    /// Writes an error to standard error, after what was printed before it.
    func complain(_ failure: Failure) {
        output.sink.flush()
        failure.report(json: options.json, style: options.errorStyle)
    }
}
