public import Catalog
import Pack
import Text

/// What the rules as they are now want of a session that is done, and what its ledger does not have: because a rule was
/// changed, or because somebody asks for it once more.
public enum LeftOut {
    /// Why a session that is done is looked at again.
    public enum Cause: Sendable, Hashable {
        /// The rules may have changed: only what was never asked for, or was left out by a rule, is wanted.
        case changedRule
        /// `harvest --again`: all that did not come is wanted.
        case request

        /// For the ledger, before the names of the artifacts.
        var words: String {
            switch self {
            case .changedRule: "a changed rule asks for"
            case .request: "asked for once more:"
            }
        }
    }

    /// The artifacts to be asked for, in the order of the rule; empty when nothing was left out.
    ///
    /// A path that was found absent is not wanted again by itself: it would be asked for at each pass.
    ///
    /// - Parameters:
    ///   - record: a session that is done.
    ///   - ledger: what the ledger says of its artifacts.
    ///   - configuration: the rules.
    ///   - cause: how much is wanted.
    public static func artifacts(
        of record: SessionRecord, _ ledger: [ArtifactStanding], by configuration: Configuration, _ cause: Cause
    ) -> [String] {
        guard isOpen(record, ledger, cause) else { return [] }
        var session = ExitedSession(reopening: record)
        // As when it was first decided: what a rule left out then, by this, is not a change of the rule.
        session.crashed = false
        let isClean = record.crashes == 0 && ledger.contains { $0.artifact == FetchItem.logs && $0.state == .collected }
        let job = FetchJob.plan(for: session, by: configuration)
        return job.items.filter { item in
            guard !item.probe else { return false }
            let isLeftToClean = item.onlyIfCrashed && isClean
            guard let row = ledger.first(where: { $0.artifact.hasSameBytes(as: item.artifact) }) else {
                return !isLeftToClean
            }
            switch row.state {
            case .collected: return cause == .request && record.pack == nil
            case .pending: return true
            case .skipped: return !isLeftToClean && !(item.onlyIfCrashed && row.isCleanBySample)
            case .absent, .failed, .lost, .incomplete: return cause == .request
            }
        }.map(\.artifact)
    }

    /// Why a session that was named is not asked for anything; nil where whether it is shows elsewhere.
    static func refusal(of record: SessionRecord) -> String? {
        if let words = record.prunedWhy ?? (record.pruned == nil ? nil : "by request") {
            return "its pack was pruned (\(words)), and what was let go on purpose is not fetched again"
        }
        if record.source == "ingest" { return nil }
        return "it lacks nothing that the rules as they are now ask for"
    }

    /// Whether a session can give more at all.
    private static func isOpen(_ record: SessionRecord, _ ledger: [ArtifactStanding], _ cause: Cause) -> Bool {
        guard record.state.isFinal, record.source != "ingest", record.pruned == nil else { return false }
        switch cause {
        case .request: return true
        // Where one artifact was lost, its container was gone.
        case .changedRule: return record.state != .lost && !ledger.contains { $0.state == .lost }
        }
    }
}

extension ArtifactStanding {
    /// Whether a rule with `sample: crashed` left it out because nothing looked like a crash.
    fileprivate var isCleanBySample: Bool { reason?.hasPrefix("sample: crashed") == true }
}

extension ExitedSession {
    /// A session that is done, as it is when it is taken up again.
    init(reopening record: SessionRecord) {
        let exitedAt = record.firstSeenExited ?? record.exited ?? record.at
        self.init(
            key: record.session,
            identity: SessionIdentity(record, id: RunKey.apiID(key: record.session, created: record.created)),
            exitedAt: exitedAt, deadline: record.deadline ?? exitedAt, notBefore: record.created ?? exitedAt,
            crashed: record.crashes > 0, evidence: .resumed)
    }
}

extension ArtifactOutcome {
    /// Whether what was known before outweighs the end of asking once more.
    func stands(against state: ArtifactState, _ item: Fetcher.Item) -> Bool {
        guard !item.fresh, item.keptBytes <= bytes else { return false }
        return state == .lost || self.state == .absent || self.state == .incomplete
    }
}

extension FetchJob {
    /// Lets what was known before stand for what does not come this time.
    mutating func fallBack(on known: [ArtifactOutcome]) {
        for row in known where [.absent, .incomplete, .failed, .lost].contains(row.state) {
            for index in items.indices where items[index].artifact.hasSameBytes(as: row.artifact) {
                items[index].fallback = row
            }
        }
    }
}
