import Catalog
import JSON
import Model
import Terminal
import Text

/// `salvage crashes diff`: compares the crashes of two builds.
struct CrashesDiff: Command {
    static var name: String { "crashes diff" }
    static var abstract: String { "Compare the crashes of two tags: new, gone, more, fewer." }
    static var discussion: String {
        """
        For each signature, compares the share of sessions that crashed with it, because two builds rarely run \
        equally often; `more` and `fewer` refer to that share. The other selection flags apply to both builds.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .one("tag-a", "The earlier build's tag, or a glob.") { $0.before = $1 },
            .one("tag-b", "The later build's tag, or a glob.") { $0.after = $1 },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    var before = ""
    var after = ""
    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        guard select.tag.isEmpty else {
            throw Failure(
                "usage", "the two tags are arguments; --tag cannot be used",
                hint: "salvage crashes diff \(before) \(after)", status: .usage)
        }
        let catalog = try StoreAccess.catalogForReading(options)
        let first = try Side(before, self, catalog)
        let second = try Side(after, self, catalog)
        for (side, tag) in [(first, before), (second, after)] where side.sessions == 0 {
            throw Failure(
                "no_sessions", "no session has a tag that matches '\(tag)'", hint: "salvage sessions lists the tags",
                status: .nothingFound)
        }
        let changes = Self.compare(first, second)
        let output = Output(options)
        if changes.isEmpty { try output.nothing("neither build crashed", options) }
        if options.json {
            for change in changes.prefix(select.limit ?? .max) {
                output.line(change.line)
                try output.checkReader()
            }
        } else {
            write(changes, first, second, to: output)
        }
        try output.finish()
    }

    /// The sessions and crashes of one build.
    struct Side {
        let sessions: Int
        let crashes: ByteDictionary<SignatureSummary>

        init(sessions: Int, crashes: ByteDictionary<SignatureSummary>) {
            self.sessions = sessions
            self.crashes = crashes
        }

        fileprivate init(_ tag: String, _ command: CrashesDiff, _ catalog: Catalog) throws {
            var selection = try command.which.selection(command.select)
            selection.tags = [tag]
            selection.limit = nil
            let top = try catalog.topSignatures(selection)
            crashes = ByteDictionary(top.map { ($0.signature, $0) }) { first, _ in first }
            selection.signatures = []
            var count = 0
            try catalog.forEachSession(selection) { session in
                // A running session is not counted: it may still crash.
                if session.exited != nil || session.firstSeenExited != nil { count += 1 }
            }
            sessions = count
        }

        func share(_ signature: String) -> Double {
            sessions == 0 ? 0 : Double(crashes[signature]?.sessions ?? 0) / Double(sessions)
        }
    }

    /// The change of one signature from one build to the other.
    struct Change: Equatable {
        enum Word: String, CaseIterable {
            case new, more, same, fewer, gone
        }

        let word: Word
        let signature: String
        let crashes: (Int, Int)
        let sessions: (Int, Int)
        let share: (Double, Double)

        static func == (left: Change, right: Change) -> Bool {
            left.word == right.word && left.signature == right.signature && left.crashes == right.crashes
        }

        var line: JSONLine {
            var line = JSONLine()
            line.add("change", word.rawValue)
            line.add("signature", signature)
            line.add("crashes_before", crashes.0)
            line.add("crashes_after", crashes.1)
            line.add("sessions_before", sessions.0)
            line.add("sessions_after", sessions.1)
            line.add("share_before", share.0)
            line.add("share_after", share.1)
            return line
        }
    }

    /// Returns the changes: new first, gone last; within each kind the one with the most sessions first.
    static func compare(_ first: Side, _ second: Side) -> [Change] {
        var signatures = ByteSet(first.crashes.keys)
        signatures.formUnion(second.crashes.keys)
        let changes = signatures.map { signature in
            let (a, b) = (first.crashes[signature], second.crashes[signature])
            let share = (first.share(signature), second.share(signature))
            let word: Change.Word =
                a == nil ? .new : b == nil ? .gone : share.1 > share.0 ? .more : share.1 < share.0 ? .fewer : .same
            return Change(
                word: word, signature: signature, crashes: (a?.count ?? 0, b?.count ?? 0),
                sessions: (a?.sessions ?? 0, b?.sessions ?? 0), share: share)
        }
        let order = Dictionary(uniqueKeysWithValues: Change.Word.allCases.enumerated().map { ($1, $0) })
        func rank(_ change: Change) -> (Int, Int, ByteText) {
            (order[change.word] ?? 0, -(change.sessions.0 + change.sessions.1), ByteText(change.signature))
        }
        return changes.sorted { rank($0) < rank($1) }
    }

    private func write(_ changes: [Change], _ first: Side, _ second: Side, to output: Output) {
        if !options.quiet {
            output.text(
                output.style.dim(
                    "\(Escape.display(before)): \(counted(first.sessions, "session")); "
                        + "\(Escape.display(after)): \(counted(second.sessions, "session"))"))
        }
        var table = Table(
            ["", "BEFORE", "AFTER", "SHARE", "SIGNATURE"], rightAligned: [1, 2, 3])
        for change in changes.prefix(select.limit ?? .max) {
            table.add([
                Table.Cell(change.word.rawValue) { style, text in
                    switch change.word {
                    case .new, .more: style.red(text)
                    case .gone, .fewer: style.green(text)
                    case .same: text
                    }
                },
                Table.Cell("\(change.crashes.0)"), Table.Cell("\(change.crashes.1)"),
                Table.Cell("\(Self.percent(change.share.0)) → \(Self.percent(change.share.1))"),
                Table.Cell(Escape.display(change.signature)) { $0.bold($1) },
            ])
        }
        table.write(to: output.sink, style: output.style)
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
