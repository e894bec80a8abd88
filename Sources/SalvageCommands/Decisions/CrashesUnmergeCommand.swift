import Model
import Store
import Terminal

/// `salvage crashes unmerge`: merged signatures stand alone again.
struct CrashesUnmerge: Command {
    static var name: String { "crashes unmerge" }
    static var abstract: String { "Undo `crashes merge`." }
    static var discussion: String {
        "A signature that was merged into another stands alone again. Given the other one, all that were merged into it do."
    }
    static var arguments: [CommandArgument<Self>] { [DecisionOptions.signature { $0.signature = $1 }] }
    static var flags: [CommandFlag<Self>] { DecisionOptions.flags.within(\.how) }

    var signature = ""
    var how = DecisionOptions()
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let store = try StoreAccess.store(options)
        for text in try store.mergedSignatures(named: signature) {
            try how.print(try store.decide(how.decision(text, .unmerge, now: now), now: now), options)
        }
    }
}
