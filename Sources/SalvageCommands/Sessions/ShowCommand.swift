import Catalog
import CrashAnalysis
import JSON
import Live
import Model
import Pack
import Store
import Terminal

/// `salvage show`: one screen on what happened to one session.
struct Show: Command {
    static var name: String { "show" }
    static var abstract: String { "Show what happened to one session, on one screen." }
    static var discussion: String {
        """
        With --json, prints one object: the session as `sessions` does, with its artifacts, crashes and last log lines.
        """
    }
    static var arguments: [CommandArgument<Self>] { [.latestSession { $0.session = $1 }] }
    static var flags: [CommandFlag<Self>] {
        [
            .number("lines", value: "count", "Number of log lines to show (default: \(Self().lines)).") {
                $0.lines = $1
            }
        ]
    }

    var session: String?
    var lines = 12
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let store = try StoreAccess.store(options)
        let output = Output(options)
        let report = try store.report(
            on: try session ?? latest(store, output), logLines: min(max(lines, 0), 1000), now: now)
        if options.json {
            output.line(Shapes.sessionReport.line(report))
        } else {
            ShowScreen(report: report, output: output, now: now).write()
        }
        try output.finish()
        if let problem = report.followedProblem { throw problem }
    }

    /// The id of the session to show when none is named, which is said.
    private func latest(_ store: Store, _ output: Output) throws -> String {
        guard let session = try store.latestSession() else { try output.nothing("the store has no sessions", options) }
        let kind = session.crashes > 0 ? "latest crashed session" : "latest session"
        output.note("\(kind): \(session.session)", options)
        return session.session
    }
}
