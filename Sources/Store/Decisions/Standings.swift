import Model
import Text

/// What the journal says of every signature.
///
/// An entry counts for a signature if it names it, else if it names one that is merged into it, else if it names an earlier
/// signature of some of its crashes. So a decision survives new symbols and changed signature rules, and what was said
/// about the present signature comes first.
struct Standings {
    /// The signatures whose crashes count as another's: the other's text by theirs. Chains are resolved.
    private(set) var targets: ByteDictionary<String> = [:]
    private var decisions: [Decision] = []
    /// The places in `decisions` by the signature that they name.
    private var entries: ByteDictionary<[Int]> = [:]
    /// The signatures merged into each, chains resolved, sorted.
    private var members: ByteDictionary<[String]> = [:]
    /// Earlier signatures that the journal names, by the present one.
    private var earlier: ByteDictionary<[String]> = [:]

    /// Nothing is decided.
    init() {}

    /// Sums up the journal.
    ///
    /// - Parameters:
    ///   - decisions: its entries, in order.
    ///   - successors: the present signatures of crashes that had one of the named signatures before.
    ///   - gone: the named signatures that no crash has any more.
    init(_ decisions: [Decision], successors: ByteDictionary<[String]>, gone: ByteSet) {
        self.decisions = decisions
        for (index, decision) in decisions.enumerated() { entries[decision.signature, default: []].append(index) }
        for (before, texts) in successors.sortedByKey {
            for text in texts { earlier[text, default: []].append(before) }
        }
        var merges = Merges(decisions)
        for (text, before) in earlier.sortedByKey where !hasMergeEntry(text) {
            // The merge of an earlier signature applies to its crashes.
            for former in before { if let into = merges.direct[former] { merges.add(text, into) } }
        }
        for text in merges.direct.keys {
            var target = merges.end(of: text)
            // All crashes of the target have another signature now.
            if gone.contains(target), let next = successors[target], next.count == 1, let only = next.first {
                target = merges.end(of: only)
            }
            if !target.hasSameBytes(as: text) { targets[text] = target }
        }
        for (text, target) in targets.sortedByKey { members[target, default: []].append(text) }
    }

    private func hasMergeEntry(_ text: String) -> Bool {
        (entries[text] ?? []).contains { index in
            switch decisions[index].action {
            case .merge, .unmerge: true
            default: false
            }
        }
    }

    /// The signature as which the crashes of `text` count.
    func target(of text: String) -> String { targets[text] ?? text }

    /// The signatures merged into one, sorted.
    func merged(into target: String) -> [String] { members[target] ?? [] }

    /// A signature and those merged into it.
    func group(_ target: String) -> [String] { [target] + merged(into: target) }

    /// The signatures that the journal names.
    var named: ByteSet { ByteSet(entries.keys) }

    /// The builds that a signature was said to be fixed in.
    var fixedTags: ByteSet {
        var tags: ByteSet = []
        for decision in decisions { if case .resolve(let tag?) = decision.action { tags.insert(tag) } }
        return tags
    }

    /// Whether anybody ever decided anything about a signature, notes included.
    func isMentioned(_ target: String) -> Bool {
        sources(of: target).contains { texts in texts.contains { entries[$0] != nil } }
    }

    /// What is decided about a signature.
    ///
    /// - Returns: the standing, and whether anybody decided about its state, `reopen` included.
    func standing(of target: String) -> (standing: SignatureStanding, isDecided: Bool) {
        var standing = SignatureStanding()
        standing.merged = merged(into: target)
        var state: Decision?
        var owner: Decision?
        var all: [Int] = []
        for texts in sources(of: target) {
            let places = texts.flatMap { entries[$0] ?? [] }.sorted()
            let found = places.map { decisions[$0] }
            state = state ?? found.last { $0.action.isAboutState }
            owner = owner ?? found.last { $0.action.isAboutOwner }
            standing.ticket = standing.ticket ?? found.last { $0.ticket != nil }?.ticket
            all += places
        }
        standing.history = Set(all).sorted().map { decisions[$0] }
        if let state, state.action != .reopen { standing.resolution = state }
        if case .assign(let name)? = owner?.action { standing.owner = name }
        return (standing, state != nil)
    }

    /// The texts whose entries count for a signature, those that come first in front.
    private func sources(of target: String) -> [[String]] {
        let merged = merged(into: target)
        let known = ByteSet(group(target))
        let former = ByteSet(group(target).flatMap { earlier[$0] ?? [] }.filter { !known.contains($0) })
        return [[target], merged, former.sorted { $0.precedesInBytes($1) }]
    }

    /// The selection with all signatures of each group that one of its patterns matches.
    func widened(_ selection: Selection) -> Selection {
        guard !selection.signatures.isEmpty, !members.isEmpty else { return selection }
        let globs = selection.signatures.map { Glob($0) }
        var selection = selection
        for target in members.keys.sorted(by: { $0.precedesInBytes($1) }) {
            let texts = group(target)
            let isMatched = texts.contains { text in
                globs.contains { $0.description.hasSameBytes(as: text) || $0.matches(text) }
            }
            if isMatched { selection.signatures += texts.map { Glob.quoting($0) } }
        }
        return selection
    }
}

extension Decision.Action {
    /// Whether it decides about the state.
    var isAboutState: Bool {
        switch self {
        case .resolve, .ignore, .reopen: true
        case .assign, .merge, .unmerge, .note: false
        }
    }

    fileprivate var isAboutOwner: Bool {
        if case .assign = self { true } else { false }
    }
}

/// Which signature is merged into which. There is never a cycle: an entry that would make one is not applied.
private struct Merges {
    /// The signature that each was merged into.
    private(set) var direct: ByteDictionary<String> = [:]

    init(_ decisions: [Decision]) {
        for decision in decisions {
            switch decision.action {
            case .merge(let into): add(decision.signature, into)
            case .unmerge: direct[decision.signature] = nil
            default: break
            }
        }
    }

    mutating func add(_ text: String, _ into: String) {
        // Also if the chain passes through `text`, which was merged before: its new place would close a circle.
        var next: String? = into
        while let here = next {
            if here.hasSameBytes(as: text) { return }
            next = direct[here]
        }
        direct[text] = into
    }

    /// The last signature of the chain that begins with `text`.
    func end(of text: String) -> String {
        var text = text
        while let next = direct[text] { text = next }
        return text
    }
}
