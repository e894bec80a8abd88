import JSON
import Model
import Store
import Terminal
import Text

/// `salvage crashes decisions`: who said what about signatures, and when.
struct CrashesDecisions: Command {
    static var name: String { "crashes decisions" }
    static var abstract: String { "Show who decided what about a signature, or about all, and when." }
    static var arguments: [CommandArgument<Self>] {
        [
            .optional("signature", "The signature, named as for `crashes resolve`; left out: all signatures.") {
                $0.signature = $1
            }
        ]
    }

    var signature: String?
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options)
        let now = TimeText.now()
        let history =
            try signature.map { try store.signature(named: $0, now: now).standing.history } ?? store.decisions()
        var listing = Listing<DecisionRow>(Output(options))
        for decision in history { try listing.add(DecisionRow(decision: decision)) }
        try listing.finish(orNothing: "nothing was decided", options)
    }
}
