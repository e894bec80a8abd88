public import Catalog
public import Model
import Pack
public import SalvageConfiguration
import Text

/// Finds the artifacts that a finished session lacks under the current rules, after a rule changed or on request.
public enum LeftOut {
    /// Why a finished session is examined again.
    public enum Cause: Sendable, Hashable {
        /// The rules may have changed: fetch only what was never requested or was left out by a rule.
        case changedRule
        /// `harvest --again`: fetch everything that is missing.
        case request

        /// The reason stored in the ledger, followed by the names of the artifacts.
        var words: String {
            switch self {
            case .changedRule: "a changed rule asks for"
            case .request: "requested again:"
            }
        }
    }

    /// Returns the artifacts to request, in the order of the rule; empty when nothing was left out.
    ///
    /// A path that was found absent is requested again only for ``Cause/request``; otherwise every pass would request
    /// it.
    ///
    /// - Parameters:
    ///   - record: a finished session.
    ///   - ledger: the ledger's rows of its artifacts.
    ///   - configuration: the current rules.
    ///   - cause: why the session is examined; decides how much is fetched.
    public static func artifacts(
        of record: SessionRecord, _ ledger: [ArtifactStanding], by configuration: Configuration, _ cause: Cause
    ) -> [String] {
        guard isOpen(record, ledger, cause) else { return [] }
        var session = ExitedSession(reopening: record)
        // As at the first decision: an artifact left out by sampling then must not look like a changed rule now.
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

    /// Returns why nothing is fetched of a named session; nil for an imported one, which is reported elsewhere.
    static func refusal(of record: SessionRecord) -> String? {
        if let words = record.prunedWhy ?? (record.pruned == nil ? nil : "by request") {
            return "this session's pack was pruned (\(words)), and pruned sessions are not fetched again"
        }
        if record.source == "ingest" { return nil }
        return "this session lacks nothing that the current rules ask for"
    }

    /// Whether anything more may be fetched of a session.
    private static func isOpen(_ record: SessionRecord, _ ledger: [ArtifactStanding], _ cause: Cause) -> Bool {
        guard record.state.isFinal, record.source != "ingest", record.pruned == nil else { return false }
        switch cause {
        case .request: return true
        // A lost artifact means that the container is gone.
        case .changedRule: return record.state != .lost && !ledger.contains { $0.state == .lost }
        }
    }
}

extension ArtifactStanding {
    /// Whether `sample: crashed` left it out because the session did not look crashed.
    fileprivate var isCleanBySample: Bool { reason?.hasPrefix("sample: crashed") == true }
}

extension ExitedSession {
    /// Makes an exited session from the record of a finished one, to reopen it.
    init(reopening record: SessionRecord) {
        let exitedAt = record.firstSeenExited ?? record.exited ?? record.at
        self.init(
            key: record.session, identity: record.apiIdentity, exitedAt: exitedAt,
            deadline: record.deadline ?? exitedAt, notBefore: record.created ?? exitedAt,
            crashed: record.crashes > 0, evidence: .resumed)
    }
}

extension ArtifactEntry {
    /// Whether this earlier outcome is better than the result of requesting the artifact again.
    func stands(against state: ArtifactState, _ item: Fetcher.Item) -> Bool {
        guard !item.fresh, item.keptBytes <= bytes else { return false }
        return state == .lost || self.state == .absent || self.state == .incomplete
    }
}

extension FetchJob {
    /// Sets earlier outcomes as fallbacks for artifacts that cannot be fetched this time either.
    mutating func fallBack(on known: [ArtifactEntry]) {
        for row in known where [.absent, .incomplete, .failed, .lost].contains(row.state) {
            for index in items.indices where items[index].artifact.hasSameBytes(as: row.artifact) {
                items[index].fallback = row
            }
        }
    }
}
