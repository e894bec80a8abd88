import Model
import Store
import Terminal

/// `salvage crashes merge`: two signatures are one bug.
struct CrashesMerge: Command {
    static var name: String { "crashes merge" }
    static var abstract: String { "Count the crashes of one signature as those of another." }
    static var discussion: String {
        "Everywhere, the second signature's crashes then count as the first's: in `crashes top` and `crashes diff`, for "
            + "--signature, and for whether a crash is new. `crashes unmerge` undoes it."
    }
    static var arguments: [CommandArgument<Self>] {
        [
            DecisionOptions.signature { $0.signature = $1 },
            .one("other", "The signature whose crashes count as the first one's.") { $0.other = $1 },
        ]
    }
    static var flags: [CommandFlag<Self>] { DecisionOptions.flags.within(\.how) }

    var signature = ""
    var other = ""
    var how = DecisionOptions()
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let store = try StoreAccess.store(options)
        let into = try store.signature(named: signature, now: now).signature
        let from = try store.signature(named: other, now: now).signature
        try how.print(try store.decide(how.decision(from, .merge(into: into), now: now), now: now), options)
    }
}
