import Catalog
import Glibc
import Harvest
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// Reports the result of a harvest and sets the exit code.
struct HarvestReportText {
    let options: GlobalOptions
    /// Whether this was a run with `--again`.
    var isAgain = false

    func write(_ summary: HarvestSummary) throws {
        let output = Output(options)
        let done = summary.progress.done
        if options.json {
            output.line(Shapes.harvest.line(summary))
        } else if !options.quiet {
            let parts = [SessionState.harvested, .partial, .skipped, .lost].compactMap { state in
                done[state].map { "\($0) \(state.rawValue)" }
            }
            let words = parts.isEmpty ? "nothing to harvest" : parts.joined(separator: ", ")
            output.text(
                "\(words); \(summary.progress.running) running, \(summary.unfinished) pending, "
                    + "\(SizeText.binary(summary.progress.bytes)) downloaded")
            if let words = again(summary) { output.text(words) }
        }
        try output.finish()
        reportAbsence(summary)
        for refusal in summary.refusals {
            Failure(
                "not_asked", "nothing was fetched: \(refusal.reason)", session: refusal.session,
                hint: "salvage why \(refusal.session)"
            ).report(json: options.json, style: options.errorStyle)
        }
        for problem in summary.problems {
            Failure(
                problem.outcome.state.rawValue,
                words(problem.outcome) + (problem.outcome.reason.map { ": \($0)" } ?? ""),
                session: problem.session, path: problem.outcome.artifact, hint: "salvage why \(problem.session)"
            ).report(json: options.json, style: options.errorStyle)
        }
        if summary.problemCount > summary.problems.count {
            let rest = counted(
                summary.problemCount - summary.problems.count, "more artifact is", "more artifacts are")
            Failure("more", "\(rest) missing", hint: "salvage coverage").report(
                json: options.json, style: options.errorStyle)
        }
        if let pause = summary.pause {
            var failure = Failure(
                "not_authorised", pause.message, hint: "salvage doctor checks the token", status: .notAuthorised)
            failure.answer = ServerAnswer(status: pause.status, identifier: pause.identifier)
            throw failure
        }
        if let trouble = summary.listTrouble { throw Failure(trouble) }
        try reportWaiting(summary)
        if summary.isPartial { throw EndedWith(status: .partial) }
    }

    /// What went wrong with an artifact, without the reason.
    private func words(_ outcome: ArtifactEntry) -> String {
        switch outcome.state {
        case .failed: "could not fetch \(outcome.artifact)"
        case .lost: "lost \(outcome.artifact)"
        case .incomplete: "got only part of \(outcome.artifact)"
        case .pending, .collected, .absent, .skipped: "\(outcome.artifact) is \(outcome.state.rawValue)"
        }
    }

    /// Reports what waits because of this machine, also to cron, long before it is lost.
    private func reportWaiting(_ summary: HarvestSummary) throws {
        var failures: [Failure] = []
        let count = counted(summary.unfinished, "session waits: ", "sessions wait: ")
        func add(_ code: String, _ what: String, _ words: String?, hint: String) {
            guard let words, summary.unfinished > 0 || code == "catalog_not_written" else { return }
            let message = (summary.unfinished > 0 ? count : "") + "\(what): \(words)"
            failures.append(Failure(code, message, hint: hint, status: .tryAgain))
        }
        add(
            "no_room", "the store's disk has too little free space", summary.noRoom,
            hint: "free space before the deadlines: salvage status, salvage prune --dry-run")
        add(
            "catalog_not_written", "the catalog could not record this run", summary.catalogTrouble,
            hint: "downloads stay in the spool, and the next harvest records them; does another process hold "
                + "catalog.sqlite?")
        add(
            "not_packed", "could not store or pack the files", summary.localTrouble,
            hint:
                "downloads stay in the spool, and the next harvest packs them; check memory, ulimit -n and "
                + "the disk: salvage doctor")
        guard let last = failures.popLast() else { return }
        for failure in failures { failure.report(json: options.json, style: options.errorStyle) }
        guard summary.isPartial else { throw last }
        last.report(json: options.json, style: options.errorStyle)
    }

    /// The line about sessions that were reopened; nil when there is nothing to say.
    private func again(_ summary: HarvestSummary) -> String? {
        let past = counted(
            summary.pastDeadline, "was skipped because its deadline has passed",
            "were skipped because their deadline has passed")
        let late = summary.pastDeadline == 0 ? "" : "; \(past)"
        if summary.again > 0 {
            let reopened = counted(summary.again, "finished session was", "finished sessions were")
            return "\(reopened) reopened\(late)"
        }
        return isAgain ? "no session lacks anything that can still be fetched\(late)" : nil
    }

    /// Warns about rule paths that exist nowhere: such a rule silently loses every dump. With `--quiet` the warning is
    /// printed when it first applies, not in every mail from cron.
    private func reportAbsence(_ summary: HarvestSummary) {
        for path in summary.absentPaths {
            guard !options.quiet || path.isNews else { continue }
            AbsentPathText.failure(path).report(json: options.json, style: options.errorStyle)
        }
    }
}
