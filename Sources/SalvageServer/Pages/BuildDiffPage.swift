import Model
import Store
import Text

/// Two builds compared by signature.
enum BuildDiffPage {
    /// What it shows of a store.
    struct Facts: Sendable {
        var before: String
        var after: String
        var comparison: BuildComparison
        /// The sessions that crashed, of both builds; nil if a build is not in the list of builds.
        var crashed: (before: Int?, after: Int?)
        /// The short ids of the changed signatures.
        var ids: ByteDictionary<String>
    }

    /// Changes of one kind that are listed.
    private static let mostChanges = 40

    /// Reads the facts.
    static func facts(_ store: Store, before: String, after: String, _ selection: Selection, now: Int64) throws -> Facts
    {
        let comparison = try store.compare(before: Glob.quoting(before), after: Glob.quoting(after), selection)
        var selection = selection
        selection.tags = [Glob.quoting(before), Glob.quoting(after)]
        let builds = try store.builds(selection, now: now)
        func crashed(_ tag: String) -> Int? { builds.first { $0.tag.hasSameBytes(as: tag) }?.crashedSessions }
        let signatures = comparison.changes.map { ($0.signature, SignatureID.of($0.signature)) }
        return Facts(
            before: before, after: after, comparison: comparison, crashed: (crashed(before), crashed(after)),
            ids: ByteDictionary(signatures) { first, _ in first })
    }

    /// The page.
    static func content(_ facts: Facts, _ view: PageView) -> PageContent {
        let comparison = facts.comparison
        let (a, b) = (comparison.before.sessions, comparison.after.sessions)
        let groups = BuildComparison.Change.Word.allCases.compactMap { word -> PageModel? in
            let changes = comparison.changes.filter { $0.word == word }
            guard word != .same, !changes.isEmpty else { return nil }
            let shown = changes.prefix(mostChanges)
            return [
                "groupName": .text(word.rawValue.prefix(1).uppercased() + word.rawValue.dropFirst()),
                "groupCount": .number(changes.count),
                "groupCaption": .text(
                    explanation(word) + (changes.count > shown.count ? " The first \(shown.count) are shown." : "")),
                "changes": .list(shown.map { change($0, facts, view) }),
            ]
        }
        let title = "\(facts.before) → \(facts.after)"
        let command =
            "salvage crashes diff \(PageCommand.quoted(facts.before)) \(PageCommand.quoted(facts.after))"
        return PageContent(
            template: "diff", title: title, tab: .builds,
            model: [
                "before": .text(facts.before, most: 100), "after": .text(facts.after, most: 100),
                "verdict": .text(verdict(facts)),
                "sides": .list([
                    side(facts.before, a, facts.crashed.before), side(facts.after, b, facts.crashed.after),
                ]), "groups": .list(groups), "commands": .list([["command": .text(command)]]),
            ])
    }

    private static func verdict(_ facts: Facts) -> String {
        let (a, b) = (facts.comparison.before.sessions, facts.comparison.after.sessions)
        guard let before = facts.crashed.before, let after = facts.crashed.after, a > 0, b > 0 else {
            return "Sessions that crashed are not known of both builds."
        }
        let words =
            "\(PageWords.percent(Double(before) / Double(a))) of the sessions of \(facts.before) crashed, "
            + "\(PageWords.percent(Double(after) / Double(b))) of \(facts.after)."
        switch Chance.compare(before, of: a, with: after, of: b) {
        case .likelyChance: return words + " The difference may be chance."
        case .more: return words + " \(facts.after) crashes more; that is hardly chance."
        case .fewer: return words + " \(facts.after) crashes less; that is hardly chance."
        }
    }

    private static func side(_ tag: String, _ sessions: Int, _ crashed: Int?) -> PageModel {
        let share = crashed.flatMap { sessions > 0 ? Double($0) / Double(sessions) : nil }
        return [
            "tag": .text(tag, most: 100), "sessions": .text(PageWords.count(sessions)),
            "free": .text(BuildsPage.free(share)), "crashed": .text(crashed.map(PageWords.count) ?? "–"),
            "range": .text(crashed.flatMap { PageWords.intervalText($0, of: sessions) } ?? "–"),
        ]
    }

    private static func change(_ change: BuildComparison.Change, _ facts: Facts, _ view: PageView) -> PageModel {
        var model: PageModel = [
            "href": .shown(view.link.signature(facts.ids[change.signature] ?? SignatureID.of(change.signature))),
            "signature": .text(change.signature, most: 240), "state": .shown(change.word.rawValue),
            "stateWord": .shown(change.word.rawValue), "crashesBefore": .text(PageWords.count(change.crashes.before)),
            "crashesAfter": .text(PageWords.count(change.crashes.after)),
            "shareBefore": .text(PageWords.percent(change.share.before)),
            "shareAfter": .text(PageWords.percent(change.share.after)),
            "chance": .text(chance(change)),
        ]
        if let last = change.lastIn {
            model["stateNote"] = .one(["stateNoteText": .text("last in \(last)", most: 60)])
        }
        return model
    }

    /// How likely it is that builds which crash equally often differ as much.
    private static func chance(_ change: BuildComparison.Change) -> String {
        change.isLikelyChance
            ? "may be: \(PageWords.percent(change.chance))" : "hardly: \(PageWords.percent(change.chance))"
    }

    private static func explanation(_ word: BuildComparison.Change.Word) -> String {
        switch word.rawValue {
        case "new": "No session of an earlier build crashed with these."
        case "returned": "Not in the earlier build, but in one before it."
        case "more": "A greater share of sessions crashed with these."
        case "fewer": "A smaller share of sessions crashed with these."
        case "gone": "No session of the later build crashed with these."
        default: "The share is the same."
        }
    }
}
