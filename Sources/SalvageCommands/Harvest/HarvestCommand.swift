import ArgumentParser
import Catalog
import Glibc
import Harvest
import SessionAPI
import Terminal

/// `salvage harvest`: one pass, for cron.
struct HarvestOnce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "harvest",
        abstract: "Pull what exited sessions left behind, once.",
        discussion: """
            Lists the sessions, notes which have exited, pulls their configured artifacts and logs, packs and indexes \
            them. Safe to repeat; a second copy exits at once. From cron:

              */10 * * * * salvage harvest --quiet --max-runtime 9m

            Exit code 3 says that something was lost or failed, 75 that another copy is at work, the API cannot be \
            reached, or this machine could not store or pack what waits (room, memory, open files, a locked catalog), \
            77 that the token was refused. What was downloaded stays in the spool for the next run.
            """)

    @Option(help: ArgumentHelp("Only this session.", valueName: "id")) var session: String?
    @Option(help: ArgumentHelp("Stop starting downloads after this long, such as 9m.", valueName: "span"))
    var maxRuntime: String?
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        var limit: Int64?
        if let maxRuntime {
            guard let span = TimeText.parseSpan(maxRuntime) else {
                throw Failure(
                    "bad_span", "--max-runtime does not understand '\(maxRuntime)'", hint: "write 9m or 1h30m",
                    status: .usage)
            }
            limit = span
        }
        let stop = StopSignals()
        let run = try HarvestRun(options)
        let runner = run.runner
        stop.whenStopped { runner.requestStop() }
        let summary = try await run.carryOut(.pass(maxRuntime: limit, session: session))
        try HarvestReportText(options: options).write(summary)
        if stop.received == SIGINT { throw EndedWith(status: .interrupted) }
    }
}
