import Catalog
import Harvest
import Model
import Terminal

/// The sessions that `harvest` works on, from its flags.
struct HarvestScope {
    /// The only session of a pass without `--again`; nil for all.
    var session: String?
    /// The sessions of `--again`; nil without it.
    var again: Selection?

    /// - Throws: a usage error for flags that need `--again`.
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
                "needs_again", "without --again, harvest takes at most one --session ID and no other selection",
                hint: "add --again to fetch what the selected sessions lack", status: .usage)
        }
        session = selection.sessions.first
    }

    /// Adds a hint for `--again` when another process holds the store.
    static func explain(_ error: HarvestError) -> HarvestError {
        guard error.code == .storeLocked else { return error }
        var error = error
        error.hint =
            "a daemon applies a changed rule when it reloads its configuration (SIGHUP); "
            + "to fetch again what failed or was absent, stop salvage watch first"
        return error
    }
}
