import Catalog
import Harvest
import Terminal

/// What `harvest` was asked to look at, from its flags.
struct HarvestScope {
    /// The one session of an ordinary pass.
    var session: String?
    /// What `--again` asks for once more.
    var again: Selection?

    /// - Throws: a usage error for flags that only `--again` understands.
    init(again: Bool, _ select: SelectionOptions) throws {
        let selection = try select.selection()
        if again {
            self.again = selection
            return
        }
        var rest = selection
        rest.sessions = []
        guard rest == Selection(), selection.sessions.count <= 1 else {
            throw Failure(
                "needs_again", "without --again, a harvest takes one --session ID or none, and no other selection",
                hint: "add --again to ask once more for what the selected sessions lack", status: .usage)
        }
        session = selection.sessions.first
    }

    /// Says what to do instead where another process works on the store.
    static func explain(_ error: HarvestError) -> HarvestError {
        guard error.code == .storeLocked else { return error }
        var error = error
        error.hint =
            "a daemon takes up a changed rule by itself when it reloads its configuration (SIGHUP); "
            + "to ask once more for what failed or was absent, stop it first"
        return error
    }
}
