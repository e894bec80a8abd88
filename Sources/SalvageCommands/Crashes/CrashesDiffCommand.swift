import Model
import Store
import Terminal
import Text

/// `salvage crashes diff`: compares the crashes of two builds.
struct CrashesDiff: Command {
    static var name: String { "crashes diff" }
    static var abstract: String { "Compare the crashes of two builds: new, returned, more, fewer, gone." }
    static var discussion: String {
        """
        Without tags, compares the two latest builds; with one, that build and the one before it. For each signature, \
        compares the share of sessions that crashed with it, because two builds rarely run equally often; `more` and \
        `fewer` refer to that share. `returned` is a signature that the earlier build does not have, but one before it. \
        A difference is likely chance if builds that crash equally often show it in more than one of 20 comparisons \
        (Fisher's exact test). The other selection flags apply to both builds.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .optional("tag-a", "The earlier build's tag, or a glob; alone, the later build's.") { $0.tags.append($1) },
            .optional("tag-b", "The later build's tag, or a glob.") { $0.tags.append($1) },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .toggle("all", nil, "Also list signatures that crash the same share of both builds (not with --json).") {
                $0.all = true
            }
        ]
        return own + CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    var tags: [String] = []
    var all = false
    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        guard select.tag.isEmpty else {
            throw Failure(
                "usage", "the tags are arguments; --tag cannot be used",
                hint: "salvage crashes diff \((tags + select.tag).prefix(2).joined(separator: " "))", status: .usage)
        }
        let comparison = try StoreAccess.store(options).compare(tags, try which.selection(select))
        let output = Output(options)
        let (before, after) = (comparison.before, comparison.after)
        let heading = [before, after].map { "\(Escape.display($0.tag)): \(counted($0.sessions, "session"))" }
        let shown = comparison.changes.filter { $0.word != .same || all && !options.json }
        if shown.isEmpty {
            let same = comparison.changes.isEmpty ? "neither build crashed" : "both builds crash alike"
            try output.nothing("\(same) (\(heading.joined(separator: "; ")))", options)
        }
        if !options.json, !options.quiet { output.text(output.style.dim(heading.joined(separator: "; "))) }
        var listing = Listing<ChangeRow>(output)
        for change in shown.prefix(select.limit ?? .max) { try listing.add(ChangeRow(change: change)) }
        listing.finish()
        try output.finish()
    }
}
