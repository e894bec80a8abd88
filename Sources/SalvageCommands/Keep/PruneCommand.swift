import ArgumentParser
import Catalog
import Glibc
import Harvest
import Terminal
import Text

/// `salvage prune`: removes packs by the rules of retention.
struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove packs that the retention rules let go; the ledger stays.",
        discussion: """
            The rules come from `prune:` in the config, or from --older-than and --max-bytes, which replace them and \
            apply to the sessions that the selection flags name. Pinned sessions (salvage pin) and the newest N of \
            each signature (--keep-per-signature) stay in any case; running and pending sessions are never touched. \
            Within --max-bytes, sessions without a crash go before those with one, the oldest first. The ledger of \
            sessions that have no pack any more goes after --history, of those that the selection flags name; that of \
            pinned ones stays.

            Without a rule nothing is removed, and the exit code is 0.

              salvage prune --dry-run --older-than 30d
              salvage prune --max-bytes 200GiB --keep-per-signature 5
              salvage prune --tag 'dev-*' --older-than 3d
            """)

    @Option(help: ArgumentHelp("Packs of sessions that ended longer ago than this, such as 30d.", valueName: "span"))
    var olderThan: String?
    @Option(help: ArgumentHelp("Packs beyond this many bytes together, such as 200GiB.", valueName: "size"))
    var maxBytes: String?
    @Option(help: ArgumentHelp("Keep the newest so many sessions of each signature.", valueName: "count"))
    var keepPerSignature: Int?
    @Option(
        help: ArgumentHelp(
            "Also forget the ledger of sessions without a pack that ended longer ago than this (else `history:`, 365d).",
            valueName: "span"))
    var history: String?
    @Flag(help: "Say what would be removed, and remove nothing.") var dryRun = false
    @OptionGroup var select: SelectionOptions
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let configuration = try StoreAccess.configuration(options)
        let store = try StoreAccess.path(options)
        let given = try flags()
        if given == nil, configuration.prune.isEmpty, history == nil, !configuration.namesHistory {
            return try endWithoutRules()
        }
        let catalog = try Catalog.open(store: store, readOnly: dryRun)
        let run = PruneRun(
            catalog: catalog, pins: try Pins(store: store), options: options, dryRun: dryRun, now: TimeText.now())
        var plans: [(sessions: [SessionRecord], rules: RetentionRules)] = []
        let needsSessions = given != nil || !configuration.prune.isEmpty || select.isNarrow
        let all = needsSessions ? try catalog.sessions(try select.selection()) : []
        if let rules = given {
            plans.append((all, rules))
        } else {
            for policy in configuration.prune {
                plans.append(
                    (
                        all.filter { policy.match.accepts(SessionIdentity($0)) },
                        RetentionRules(
                            olderThan: policy.olderThan, maxBytes: policy.maxBytes,
                            keepPerSignature: policy.keepPerSignature)
                    ))
            }
        }
        try run.carryOut(
            plans, history: try span(history, "--history") ?? configuration.history,
            of: select.isNarrow ? ByteSet(all.map(\.session)) : nil)
    }

    /// A prune that a timer starts has nothing to do where nobody wrote a rule; sessions that somebody named without
    /// saying when they may go are a mistake.
    private func endWithoutRules() throws {
        let hint = "give --older-than, --max-bytes or --history, or write `prune:` or `history:` into the config"
        guard !select.isNarrow else {
            throw Failure(
                "no_rule", "nothing says which of these sessions' packs may go", hint: hint, status: .usage)
        }
        let output = Output(options)
        if !options.quiet, !options.json {
            output.text("nothing to remove: there is no rule to go by\n  hint: \(hint)")
        }
        try output.finish()
    }

    /// The rules that the flags give; nil where they give none.
    private func flags() throws -> RetentionRules? {
        if let keepPerSignature, keepPerSignature < 0 {
            throw Failure("bad_count", "--keep-per-signature must not be negative", status: .usage)
        }
        let bytes = try maxBytes.map { text in
            guard let bytes = Quantity.bytes(text) else {
                throw Failure(
                    "bad_size", "--max-bytes does not understand '\(text)'", hint: "write 500MB or 200GiB",
                    status: .usage)
            }
            return bytes
        }
        let rules = RetentionRules(
            olderThan: try span(olderThan, "--older-than"), maxBytes: bytes, keepPerSignature: keepPerSignature ?? 0)
        guard rules.isEmpty else { return rules }
        guard keepPerSignature == nil else {
            throw Failure(
                "no_rule", "--keep-per-signature only keeps; nothing says what may go",
                hint: "give --older-than or --max-bytes as well", status: .usage)
        }
        return nil
    }

    private func span(_ text: String?, _ flag: String) throws -> Int64? {
        guard let text else { return nil }
        guard let span = Quantity.milliseconds(text) else {
            throw Failure(
                "bad_span", "\(flag) does not understand '\(text)'", hint: "write 36h, 30d or 0s", status: .usage)
        }
        return span
    }
}

extension SessionIdentity {
    /// What rules match of a session in the catalog.
    init(_ record: SessionRecord) {
        self.init(
            id: record.session, image: record.image, tag: record.tag, location: record.location, host: record.host,
            labels: record.labels, created: record.created)
    }
}
