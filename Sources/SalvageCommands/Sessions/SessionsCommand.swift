import Catalog
import JSON
import Model
import Store
import Terminal
import Text

/// `salvage sessions`: lists sessions.
struct Sessions: Command {
    static var name: String { "sessions" }
    static var abstract: String { "List sessions: running ones first, then by end, newest first." }
    static var discussion: String {
        """
        Sessions are selected by the time they ended, or began if they are running. --tag, --image, --location and \
        the value of --label take globs (`*`, `?`, `[a-z]`). The state `pruned` means that retention removed the \
        pack; the ledger is kept. ENDED BY is the newest crash with its signature, `exited` if what was collected shows \
        none, or the reason why nothing was.
        """
    }
    static var flags: [CommandFlag<Self>] { SelectionOptions.flags.within(\.select) }

    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let selection = try select.selection()
        var listing = Listing<SessionRecord>(Output(options))
        try StoreAccess.store(options).forEachSession(selection) { try listing.add($0) }
        try listing.finish(orNothing: "no session matches", options)
    }
}
