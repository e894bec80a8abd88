public import Catalog
public import Model
public import Text

/// The crashes of two builds, compared by signature.
public struct BuildComparison: Sendable {
    /// The sessions and crashes of one build.
    public struct Build: Sendable {
        /// Its tag, or the glob that selected several.
        public let tag: String
        /// The number of its sessions that have ended.
        public let sessions: Int
        /// Its crashes by signature.
        public let crashes: ByteDictionary<SignatureSummary>

        /// Creates a build.
        public init(tag: String = "", sessions: Int, crashes: ByteDictionary<SignatureSummary>) {
            self.tag = tag
            self.sessions = sessions
            self.crashes = crashes
        }

        /// The share of its sessions that crashed with a signature, from 0 to 1.
        func share(_ signature: String) -> Double {
            sessions == 0 ? 0 : min(1, Double(crashes[signature]?.sessions ?? 0) / Double(sessions))
        }
    }

    /// The change of one signature from one build to the other.
    public struct Change: Sendable {
        /// How the signature changed.
        public enum Word: String, CaseIterable, Sendable {
            case new, returned, more, same, fewer, gone
        }

        /// How the signature changed.
        public let word: Word
        /// The tags of the two builds, or the globs that selected them.
        public let tags: (before: String, after: String)
        /// The signature.
        public let signature: String
        /// The crashes before and after.
        public let crashes: (before: Int, after: Int)
        /// The sessions that crashed with it, before and after.
        public let sessions: (before: Int, after: Int)
        /// The share of each build's sessions that crashed with it, from 0 to 1.
        public let share: (before: Double, after: Double)
        /// The sessions of each build that have ended.
        public let allSessions: (before: Int, after: Int)
        /// The last build before the later one that has it, for `returned`.
        public let lastIn: String?
        /// How likely builds that crash equally often would differ at least as much, from 0 to 1: Fisher's exact test,
        /// two-sided.
        public let chance: Double

        /// The short id of the signature.
        public var id: String { SignatureView.id(signature) }

        /// Whether the difference may well be chance: builds that crash equally often show it in more than one of 20
        /// comparisons.
        public var isLikelyChance: Bool { chance > FisherTest.threshold }
    }

    /// The earlier build.
    public let before: Build
    /// The later build.
    public let after: Build
    /// The changes: new first, gone last; within each kind the one with the most sessions first.
    public let changes: [Change]

    /// Compares two builds.
    ///
    /// - Parameter lastIn: the last build before the later one, other than the earlier one, that has each signature.
    public init(before: Build, after: Build, lastIn: ByteDictionary<String> = [:]) {
        self.before = before
        self.after = after
        changes = Self.changes(before, after, lastIn)
    }

    private static func changes(_ first: Build, _ second: Build, _ lastIn: ByteDictionary<String>) -> [Change] {
        var signatures = ByteSet(first.crashes.keys)
        signatures.formUnion(second.crashes.keys)
        let changes = signatures.map { signature in
            let (a, b) = (first.crashes[signature], second.crashes[signature])
            let share = (first.share(signature), second.share(signature))
            let last = a == nil ? lastIn[signature] : nil
            let word: Change.Word =
                a == nil
                ? (last == nil ? .new : .returned)
                : b == nil ? .gone : share.1 > share.0 ? .more : share.1 < share.0 ? .fewer : .same
            let sessions = (before: a?.sessions ?? 0, after: b?.sessions ?? 0)
            return Change(
                word: word, tags: (first.tag, second.tag), signature: signature,
                crashes: (a?.count ?? 0, b?.count ?? 0), sessions: sessions,
                share: share, allSessions: (first.sessions, second.sessions), lastIn: last,
                chance: FisherTest.probability((sessions.before, first.sessions), (sessions.after, second.sessions)))
        }
        let order = Dictionary(uniqueKeysWithValues: Change.Word.allCases.enumerated().map { ($1, $0) })
        func rank(_ change: Change) -> (Int, Int, ByteText) {
            (order[change.word] ?? 0, -(change.sessions.before + change.sessions.after), ByteText(change.signature))
        }
        return changes.sorted { rank($0) < rank($1) }
    }
}

extension Store {
    /// Compares the crashes of two builds.
    ///
    /// - Parameters:
    ///   - before: the earlier build's tag, or a glob.
    ///   - after: the later build's tag, or a glob.
    ///   - selection: selects sessions and crashes of both builds; its tags and limit are not used.
    /// - Throws: ``StoreError`` with `noSessions` if no session has one of the tags; as ``signatures(_:now:)`` does.
    public func compare(before: String, after: String, _ selection: Selection) throws -> BuildComparison {
        let standings = try standings()
        let asked = try resolved(selection)
        let builds = try [before, after].map { try build(tag: $0, asked, standings) }
        for (build, tag) in zip(builds, [before, after]) where build.sessions == 0 {
            throw StoreError(
                .noSessions, "no session that has ended has a tag that matches '\(tag)'",
                hint: "salvage crashes builds lists the tags", kind: .notFound)
        }
        return BuildComparison(
            before: builds[0], after: builds[1],
            lastIn: try earlierBuilds(builds[0], builds[1], errors: selection.errors, standings))
    }

    /// Compares the two latest builds, one build with the one before it, or two builds.
    ///
    /// - Parameters:
    ///   - tags: none, the later build, or the earlier and the later build; tags or globs.
    ///   - selection: as of ``compare(before:after:_:)``. Only builds with a selected session that has ended are compared.
    /// - Throws: as ``compare(before:after:_:)`` does; ``StoreError`` with `noSessions` without a build to compare with.
    public func compare(_ tags: [String], _ selection: Selection) throws -> BuildComparison {
        if tags.count > 1 { return try compare(before: tags[0], after: tags[1], selection) }
        var all = selection
        all.tags = []
        let known = try buildTags(all)
        var after = known.last.map { Glob.quoting($0) }
        var earlier = known.dropLast()
        if let tag = tags.first {
            after = tag
            let glob = Glob(tag)
            let place = known.firstIndex { glob.matches($0) }
            guard let place else {
                throw StoreError(
                    .noSessions, "no session that has ended has a tag that matches '\(tag)'",
                    hint: "salvage crashes builds lists the tags", kind: .notFound)
            }
            earlier = known[..<place]
        }
        guard let before = earlier.last, let after else {
            throw StoreError(
                .noSessions,
                tags.first.map { "there is no build before '\($0)'" } ?? "there are no two builds to compare",
                hint: "salvage crashes builds lists the builds in their order", kind: .notFound)
        }
        return try compare(before: Glob.quoting(before), after: after, selection)
    }

    private func build(
        tag: String, _ selection: Selection, _ standings: Standings
    ) throws -> BuildComparison.Build {
        var selection = selection
        selection.tags = [tag]
        selection.limit = nil
        let top = try catalog().topSignatures(selection, merged: standings.targets)
        return BuildComparison.Build(
            tag: Glob(tag).literal ?? tag, sessions: try endedSessions(selection),
            crashes: ByteDictionary(top.map { ($0.signature, $0) }) { first, _ in first })
    }

    /// For each signature that only the later build has: the last build before that one which has it, too.
    private func earlierBuilds(
        _ before: BuildComparison.Build, _ after: BuildComparison.Build, errors: Bool, _ standings: Standings
    ) throws -> ByteDictionary<String> {
        let news = after.crashes.keys.filter { before.crashes[$0] == nil }
        guard !news.isEmpty else { return [:] }
        let own = ByteSet(after.crashes.values.flatMap(\.tags))
        let wholes = try catalog().signatures(
            named: news.flatMap { standings.group($0) }, merged: standings.targets, errors: errors)
        let order = try buildOrder(wholes.flatMap(\.tags) + own)
        guard let first = order.sorted(own).first else { return [:] }
        var found: ByteDictionary<String> = [:]
        for whole in wholes {
            found[whole.signature] =
                order.sorted(whole.tags.filter { order.precedes($0, first) && !own.contains($0) }).last
        }
        return found
    }
}
