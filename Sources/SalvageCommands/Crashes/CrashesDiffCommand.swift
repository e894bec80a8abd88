import Catalog
import JSON
import Model
import Store
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
        let comparison = try StoreAccess.store(options).compare(
            before: before, after: after, try which.selection(select))
        let output = Output(options)
        if comparison.changes.isEmpty { try output.nothing("neither build crashed", options) }
        if !options.json, !options.quiet {
            output.text(
                output.style.dim(
                    "\(Escape.display(before)): \(counted(comparison.before.sessions, "session")); "
                        + "\(Escape.display(after)): \(counted(comparison.after.sessions, "session"))"))
        }
        var listing = Listing<ChangeRow>(output)
        for change in comparison.changes.prefix(select.limit ?? .max) {
            try listing.add(ChangeRow(change: change, comparison: comparison))
        }
        listing.finish()
        try output.finish()
    }
}
