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
    static var arguments: [CommandArgument<Self>] { [.session { $0.session = $1 }] }
    static var flags: [CommandFlag<Self>] {
        [
            .number("lines", value: "count", "Number of log lines to show (default: \(Self().lines)).") {
                $0.lines = $1
            }
        ]
    }

    var session = ""
    var lines = 12
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let report = try StoreAccess.store(options).report(
            on: session, logLines: min(max(lines, 0), 1000), now: now)
        let output = Output(options)
        if options.json {
            output.line(Shapes.sessionReport.line(report))
        } else {
            ShowScreen(report: report, output: output, now: now).write()
        }
        try output.finish()
        if let problem = report.followedProblem { throw problem }
    }
}
