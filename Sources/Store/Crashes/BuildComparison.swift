public import Catalog
public import Model
public import Text

/// The crashes of two builds, compared by signature.
public struct BuildComparison: Sendable {
    /// The sessions and crashes of one build.
    public struct Build: Sendable {
        /// The number of its sessions that have ended.
        public let sessions: Int
        /// Its crashes by signature.
        public let crashes: ByteDictionary<SignatureSummary>

        /// Creates a build.
        public init(sessions: Int, crashes: ByteDictionary<SignatureSummary>) {
            self.sessions = sessions
            self.crashes = crashes
        }

        /// The share of its sessions that crashed with a signature, from 0 to 1.
        func share(_ signature: String) -> Double {
            sessions == 0 ? 0 : Double(crashes[signature]?.sessions ?? 0) / Double(sessions)
        }
    }

    /// The change of one signature from one build to the other.
    public struct Change: Sendable {
        /// How the signature changed.
        public enum Word: String, CaseIterable, Sendable {
            case new, more, same, fewer, gone
        }

        /// How the signature changed.
        public let word: Word
        /// The signature.
        public let signature: String
        /// The crashes before and after.
        public let crashes: (before: Int, after: Int)
        /// The sessions that crashed with it, before and after.
        public let sessions: (before: Int, after: Int)
        /// The share of each build's sessions that crashed with it, from 0 to 1.
        public let share: (before: Double, after: Double)
    }

    /// The earlier build.
    public let before: Build
    /// The later build.
    public let after: Build
    /// The changes: new first, gone last; within each kind the one with the most sessions first.
    public let changes: [Change]

    /// Compares two builds.
    public init(before: Build, after: Build) {
        self.before = before
        self.after = after
        changes = Self.changes(before, after)
    }

    private static func changes(_ first: Build, _ second: Build) -> [Change] {
        var signatures = ByteSet(first.crashes.keys)
        signatures.formUnion(second.crashes.keys)
        let changes = signatures.map { signature in
            let (a, b) = (first.crashes[signature], second.crashes[signature])
            let share = (first.share(signature), second.share(signature))
            let word: Change.Word =
                a == nil ? .new : b == nil ? .gone : share.1 > share.0 ? .more : share.1 < share.0 ? .fewer : .same
            return Change(
                word: word, signature: signature, crashes: (a?.count ?? 0, b?.count ?? 0),
                sessions: (a?.sessions ?? 0, b?.sessions ?? 0), share: share)
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
    /// - Throws: ``StoreError`` with `noSessions` if no session has one of the tags; `CatalogError`.
    public func compare(before: String, after: String, _ selection: Selection) throws -> BuildComparison {
        let builds = try [before, after].map { try build(tag: $0, selection) }
        for (build, tag) in zip(builds, [before, after]) where build.sessions == 0 {
            throw StoreError(
                .noSessions, "no session has a tag that matches '\(tag)'", hint: "salvage sessions lists the tags",
                kind: .notFound)
        }
        return BuildComparison(before: builds[0], after: builds[1])
    }

    private func build(tag: String, _ selection: Selection) throws -> BuildComparison.Build {
        var selection = selection
        selection.tags = [tag]
        selection.limit = nil
        let top = try catalog().topSignatures(selection)
        selection.signatures = []
        var sessions = 0
        try catalog().forEachSession(selection) { session in
            // A running session is not counted: it may still crash.
            if session.exited != nil || session.firstSeenExited != nil { sessions += 1 }
        }
        return BuildComparison.Build(
            sessions: sessions, crashes: ByteDictionary(top.map { ($0.signature, $0) }) { first, _ in first })
    }
}
