import Glibc
import Harvest
import Model
import SessionAPI
import Terminal

/// `salvage harvest`: one pass, for cron.
struct HarvestOnce: AsyncCommand {
    static var name: String { "harvest" }
    static var abstract: String { "Collect artifacts and logs of exited sessions, once." }
    static var discussion: String {
        """
        Lists the sessions, downloads the configured artifacts and logs of those that have exited, and packs and \
        indexes them. Safe to repeat; a second instance exits at once. From cron:

          */10 * * * * /usr/local/bin/salvage harvest --quiet --max-runtime 9m

        Artifacts that a changed rule adds are also fetched from finished sessions, until their deadlines. With \
        --again, everything that is missing is requested again: what was absent, failed, lost, cut off or left \
        out. The selection flags choose the sessions (default: all before their deadlines); one named with \
        --session is tried even after its deadline. The new pack contains everything in the old one. Without \
        --again, --session takes one full id, and no other selection flag is allowed.

        Without a configuration only logs are kept, and a warning says so. Another warning names each path that is \
        absent in every session of its rule (at least three); with --quiet it is printed once, when it first \
        applies.

        The channels of `notify:` get events as they are found, and for at most 20 s at the end; what a \
        channel has not taken by then waits in the store's outbox for the next run.

        Exit code 3 means that something was lost or failed; 75 that another instance is running, the API cannot \
        be reached, or this machine could not store or pack what is waiting (space, memory, open files, a locked \
        catalog); 77 that the token was rejected. Downloads stay in the spool for the next run. With --quiet, an \
        instance that finds another running prints nothing, so that cron sends no mail.
        """
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .toggle("again", nil, "Fetch again what the selected sessions lack, before their deadlines.") {
                $0.again = true
            },
            .text(
                "max-runtime", value: "span",
                "Stop after this time, such as 9m, even in mid-download; the next run resumes."
            ) { $0.maxRuntime = $1 },
        ]
        return own + SelectionOptions.flags.within(\.select)
    }

    var again = false
    var maxRuntime: String?
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() async throws {
        let scope = try HarvestScope(again: again, select)
        var limit: Int64?
        if let maxRuntime {
            guard let span = TimeText.parseSpan(maxRuntime) else {
                throw Failure(
                    "bad_span", "invalid value '\(maxRuntime)' for --max-runtime", hint: "write 9m or 1h30m",
                    status: .usage)
            }
            limit = span
        }
        let run: ShownHarvest
        do {
            run = try await OwnThread.run { [options] in try ShownHarvest(options) }
        } catch let error as HarvestError where error.code == .storeLocked && options.quiet && !options.json {
            // The other instance does the work of this pass: cron must not mail anything.
            throw EndedWith(status: .tryAgain)
        } catch let error as HarvestError where again {
            throw HarvestScope.explain(error)
        }
        let runner = run.runner
        ProcessGuard.whenStopped { runner.requestStop() }
        if let limit {
            let (json, style) = (options.json, options.errorStyle)
            OverdueRun.watch(limit: limit, store: run.localFolder) {
                ProcessEnding.end(with: $0, json: json, style: style)
            }
        }
        let summary = try await run.carryOut(
            .pass(maxRuntime: limit, session: scope.session), again: scope.again)
        try HarvestReportText(options: options, isAgain: again).write(summary)
        if ProcessGuard.received == SIGINT { throw EndedWith(status: .interrupted) }
    }
}
