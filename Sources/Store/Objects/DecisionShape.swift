public import JSON
public import Model

extension Shapes {
    /// An entry of the journal of decisions, as the journal's lines and all output have it.
    public static let decision = JSONShape<Decision>(
        "Decision", "Who said what about a signature, and when.",
        [
            .time("time", "when it was decided") { $0.time },
            .text("author", "who decided it") { $0.author },
            .text("signature", "the signature's text") { $0.signature },
            .word("action", Decision.Action.names, "what was decided") { $0.action.name },
            .optionalText("fixed_in", "`resolve`: the first build that has the fix") {
                if case .resolve(let tag) = $0.action { tag } else { nil }
            },
            .time("until", "`ignore`: until when") {
                if case .ignore(let until, _) = $0.action { until } else { nil }
            },
            .optionalInteger("crashes", "`ignore`: until it has this many more crashes") {
                if case .ignore(_, let crashes) = $0.action { crashes } else { nil }
            },
            .optionalText("owner", "`assign`: who owns it; nobody without the field") {
                if case .assign(let owner) = $0.action { owner } else { nil }
            },
            .optionalText("into", "`merge`: the signature that its crashes count as") {
                if case .merge(let into) = $0.action { into } else { nil }
            },
            .optionalText("ticket", "a link to a ticket") { $0.ticket },
            .optionalText("note", "a note") { $0.note },
        ])
}

extension Decision.Action {
    /// The words for actions in the journal and in JSON.
    public static let names = ["resolve", "ignore", "reopen", "assign", "merge", "unmerge", "note"]

    /// Its word.
    public var name: String {
        switch self {
        case .resolve: "resolve"
        case .ignore: "ignore"
        case .reopen: "reopen"
        case .assign: "assign"
        case .merge: "merge"
        case .unmerge: "unmerge"
        case .note: "note"
        }
    }
}
