import Model
import Store

/// The flags that choose a part of the sessions, and how much may be read.
struct GrepScopeFlags {
    var shard: String?
    var all = false

    static var flags: [CommandFlag<Self>] {
        [
            .text(
                "shard", value: "i/n",
                "Only the i-th of n equal parts of the sessions, by a hash of their ids; for several machines or jobs."
            ) { $0.shard = $1 },
            .toggle(
                "all", nil, "In a shared store, search everything even if the pattern has no text to look up."
            ) { $0.all = true },
        ]
    }

    /// The scope of the search. Throws a `Failure` for a part that does not exist.
    func scope() throws -> SearchScope {
        var scope = SearchScope(allowsAll: all)
        if let shard {
            guard let part = SessionShard(parsing: shard) else {
                throw Failure(
                    "bad_shard", "invalid value '\(shard)' for --shard",
                    hint: "write a part like 3/16: the third of sixteen, at most of \(SessionShard.most)",
                    status: .usage)
            }
            scope.shard = part
        }
        return scope
    }
}
