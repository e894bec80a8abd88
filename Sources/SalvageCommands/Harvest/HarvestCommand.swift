import ArgumentParser
import Catalog
import Dispatch
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

              */10 * * * * /usr/local/bin/salvage harvest --quiet --max-runtime 9m

            What a changed rule asks for is also fetched from sessions that are done, until their deadlines. With \
            --again, all that did not come is asked for once more: what was absent, failed, lost, cut off or left out. \
            The selection flags choose the sessions (default: all before their deadlines); one that is named with \
            --session is asked even after its deadline. The new pack holds all of the old. Without --again, --session \
            takes one full id, and no other selection flag is allowed.

            Without a configuration only logs are kept, and a warning says so. Another warning names each path that is \
            absent in every session of its rule (three at least); with --quiet it comes once, when that becomes so.

            Exit code 3 says that something was lost or failed, 75 that another copy is at work, the API cannot be \
            reached, or this machine could not store or pack what waits (room, memory, open files, a locked catalog), \
            77 that the token was refused. What was downloaded stays in the spool for the next run. With --quiet, a copy \
            that finds another at work ends without a word, so that cron has nothing to mail.
            """)

    @Flag(help: "Ask once more for what the selected sessions lack, before their deadlines.") var again = false
    @Option(
        help: ArgumentHelp(
            "End within this long, such as 9m, whatever is under way; the next run takes that up.", valueName: "span"))
    var maxRuntime: String?
    @OptionGroup var select: SelectionOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let scope = try HarvestScope(again: again, select)
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
        let run: HarvestRun
        do {
            run = try HarvestRun(options)
        } catch let error as HarvestError where error.code == .storeLocked && options.quiet && !options.json {
            // The other copy does the work of this pass: nothing that cron should mail.
            throw EndedWith(status: .tryAgain)
        } catch let error as HarvestError where again {
            throw HarvestScope.explain(error)
        }
        let runner = run.runner
        stop.whenStopped { runner.requestStop() }
        if let limit { LastResort.arm(after: limit, store: try StoreAccess.path(options), options) }
        let summary = try await run.carryOut(
            .pass(maxRuntime: limit, session: scope.session), again: scope.again)
        try HarvestReportText(options: options, isAgain: again).write(summary)
        if stop.received == SIGINT { throw EndedWith(status: .interrupted) }
    }
}

/// Ends the process where a run does not come to its end by itself: something that cannot be cancelled, such as a name
/// server or a disk that does not answer, must not keep a cron job beyond its time. Whatever is cut off lies in the spool.
private enum LastResort {
    /// What the end of a run takes when nothing hangs, in milliseconds.
    private static let grace: Int64 = 3000

    static func arm(after limit: Int64, store: String, _ options: GlobalOptions) {
        let (json, style) = (options.json, options.errorStyle)
        let moment = DispatchTime.now() + .milliseconds(Int(clamping: limit) + Int(grace))
        // A queue of its own has a thread of its own, also where all others hang.
        DispatchQueue(label: "salvage.deadline").asyncAfter(deadline: moment) {
            let isHeld = Catalog.isHeld(store: store)
            Failure(
                isHeld ? "catalog_not_written" : "overdue",
                isHeld
                    ? "--max-runtime is over, and the catalog is locked by another process"
                    : "something under way cannot be cancelled, and --max-runtime is over",
                hint: "what was fetched lies in the spool and is taken up by the next run", status: .tryAgain
            ).report(json: json, style: style)
            _exit(ExitStatus.tryAgain.rawValue)
        }
    }
}
