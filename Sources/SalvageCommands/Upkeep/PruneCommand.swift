import Catalog
import Harvest
import JSON
import Model
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage prune`: removes packs according to the retention rules.
struct Prune: Command {
    static var name: String { "prune" }
    static var abstract: String { "Remove packs according to the retention rules; the ledger is kept." }
    static var discussion: String {
        """
        The rules come from `prune:` in the config, or from --older-than and --max-bytes, which replace them and \
        apply to the selected sessions. Pinned sessions (salvage pin) and the newest N of each signature \
        (--keep-per-signature) are always kept; running and pending sessions are never touched. For --max-bytes, \
        sessions without a crash are removed before those with one, the oldest first. Selected sessions that have \
        no pack are removed from the ledger after --history, unless they are pinned.

        Without a rule nothing is removed, and the exit code is 0.

          salvage prune --dry-run --older-than 30d
          salvage prune --max-bytes 200GiB --keep-per-signature 5
          salvage prune --tag 'dev-*' --older-than 3d
        """
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .text("older-than", value: "span", "Remove packs of sessions that ended longer ago, such as 30d.") {
                $0.olderThan = $1
            },
            .text("max-bytes", value: "size", "Remove packs until at most this much is left, such as 200GiB.") {
                $0.maxBytes = $1
            },
            .number("keep-per-signature", value: "count", "Keep this many of the newest sessions of each signature.") {
                $0.keepPerSignature = $1
            },
            .text(
                "history", value: "span",
                "Remove sessions without a pack from the ledger if they ended longer ago (default: `history:`, 365d)."
            ) { $0.history = $1 },
            .toggle("dry-run", nil, "Show what would be removed; remove nothing.") { $0.dryRun = true },
        ]
        return own + SelectionOptions.flags.within(\.select)
    }

    var olderThan: String?
    var maxBytes: String?
    var keepPerSignature: Int?
    var history: String?
    var dryRun = false
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let configuration = try StoreAccess.configuration(options)
        let store = try StoreAccess.store(options, readOnly: dryRun)
        let given = try flags()
        if given == nil, configuration.prune.isEmpty, history == nil, !configuration.namesHistory {
            return try endWithoutRules()
        }
        let needsSessions = given != nil || !configuration.prune.isEmpty || select.isNarrow
        let all = needsSessions ? try store.sessions(try select.selection()) : []
        let plans =
            given.map { [PrunePlan(sessions: all, rules: $0)] } ?? PrunePlan.plans(by: configuration.prune, over: all)
        let output = Output(options)
        let progress = Progress(quiet: options.quiet || dryRun)
        let summary = try store.prune(
            plans, history: try span(history, "--history") ?? configuration.history,
            of: select.isNarrow ? ByteSet(all.map(\.session)) : nil, dryRun: dryRun, now: TimeText.now(),
            progress: { progress.update($0) }, event: { write($0, to: output) })
        progress.finish()
        write(summary, to: output)
        try output.finish()
    }

    private func write(_ event: PruneEvent, to output: Output) {
        switch event {
        case .removed(let removal, let session): write(removal, session, to: output)
        case .forgotten(let session, let time): write(forgotten: session, at: time, to: output)
        case .unreferenced(let packs):
            guard !options.quiet else { return }
            Failure(
                "unreferenced_packs",
                "\(counted(packs.count, "pack is", "packs are")) not in the catalog",
                path: packs.first, hint: "prune keeps them; salvage verify says what to do with each"
            ).report(json: options.json, style: options.errorStyle)
        }
    }

    private func write(_ removal: RetentionPlan.Removal, _ record: SessionRecord, to output: Output) {
        if options.json {
            output.line(Shapes.prunedPack.line(PrunedPack(removal: removal, record: record, isDryRun: dryRun)))
        } else if dryRun || options.verbose {
            let tag = record.tag.map { " " + Escape.display($0) } ?? ""
            output.text(
                "\(dryRun ? "would remove" : "removed") \(Escape.display(removal.session))\(tag), ended "
                    + "\(TimeText.table(record.at)) UTC, \(SizeText.binary(removal.bytes)): \(removal.reason)")
        }
    }

    private func write(forgotten session: String, at time: Int64, to output: Output) {
        if options.json {
            let forgotten = ForgottenSession(session: session, ended: time, isDryRun: dryRun)
            output.line(Shapes.forgottenSession.line(forgotten))
        } else if dryRun || options.verbose {
            output.text(
                "\(dryRun ? "would delete" : "deleted") the ledger of \(Escape.display(session)), ended "
                    + "\(TimeText.table(time)) UTC")
        }
    }

    private func write(_ summary: PruneSummary, to output: Output) {
        if options.json {
            return output.line(Shapes.pruneTotals.line(PruneTotals(summary: summary, isDryRun: dryRun)))
        }
        if options.quiet { return }
        var parts = [
            "\(dryRun ? "would remove" : "removed") \(counted(summary.packs, "pack")), "
                + SizeText.binary(summary.bytes)
        ]
        if summary.pinned > 0 { parts.append("kept \(summary.pinned) pinned") }
        if summary.examples > 0 {
            let examples = counted(
                summary.examples, "as an example of its signature", "as examples of their signatures")
            parts.append("kept \(examples)")
        }
        if summary.inUse > 0 { parts.append("skipped \(summary.inUse) in use") }
        if summary.forgotten > 0 {
            let sessions = counted(summary.forgotten, "session")
            parts.append("\(dryRun ? "would delete" : "deleted") the ledger of \(sessions)")
        }
        if summary.excess > 0 { parts.append("\(SizeText.binary(summary.excess)) over the limit must be kept") }
        output.text(parts.joined(separator: "; "))
    }

    /// Ends a prune without rules. One started by a timer has nothing to do; selected sessions without a rule are a
    /// usage error.
    private func endWithoutRules() throws {
        let hint = "give --older-than, --max-bytes or --history, or write `prune:` or `history:` into the config"
        guard !select.isNarrow else {
            throw Failure(
                "no_rule", "no rule says which of these sessions' packs to remove", hint: hint, status: .usage)
        }
        let output = Output(options)
        if !options.quiet, !options.json {
            output.text("nothing to remove: there is no retention rule\n  hint: \(hint)")
        }
        try output.finish()
    }

    /// The rules given by flags; nil when there are none.
    private func flags() throws -> RetentionRules? {
        if let keepPerSignature, keepPerSignature < 0 {
            throw Failure("bad_count", "--keep-per-signature must not be negative", status: .usage)
        }
        let bytes = try maxBytes.map { text in
            guard let bytes = Quantity.bytes(text) else {
                throw Failure(
                    "bad_size", "invalid value '\(text)' for --max-bytes", hint: "write 500MB or 200GiB",
                    status: .usage)
            }
            return bytes
        }
        let rules = RetentionRules(
            olderThan: try span(olderThan, "--older-than"), maxBytes: bytes, keepPerSignature: keepPerSignature ?? 0)
        guard rules.isEmpty else { return rules }
        guard keepPerSignature == nil else {
            throw Failure(
                "no_rule", "--keep-per-signature only keeps packs; no rule removes any",
                hint: "give --older-than or --max-bytes as well", status: .usage)
        }
        return nil
    }

    private func span(_ text: String?, _ flag: String) throws -> Int64? {
        guard let text else { return nil }
        guard let span = Quantity.milliseconds(text) else {
            throw Failure(
                "bad_span", "invalid value '\(text)' for \(flag)", hint: "write 36h, 30d or 0s", status: .usage)
        }
        return span
    }
}
