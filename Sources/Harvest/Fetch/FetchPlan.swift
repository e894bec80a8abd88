public import Model
public import SalvageConfiguration
import Text

extension FetchJob {
    /// Decides what to fetch of an exited session.
    ///
    /// - Parameters:
    ///   - session: The session.
    ///   - configuration: The rules; the first that matches applies.
    ///   - earlier: The ledger's outcomes of earlier tries, so that settled artifacts are not requested again.
    /// - Returns: The job; without items when no rule matches or the rule keeps nothing.
    public static func plan(
        for session: ExitedSession, by configuration: Configuration, earlier: [ArtifactEntry] = []
    ) -> FetchJob {
        var job = FetchJob(
            key: session.key, id: session.identity.id, deadline: session.deadline, notBefore: session.notBefore,
            crashed: session.crashed, items: [])
        guard let rule = configuration.rule(for: session.identity) else {
            job.decided = [
                ArtifactEntry(artifact: FetchItem.logs, state: .skipped, reason: "no rule matches the session")
            ]
            return job
        }
        let known = ByteDictionary(earlier.map { ($0.artifact, $0) }, uniquingKeysWith: { $1 })
        let sampled = rule.sample.includes(session: session.key)
        let onlyIfCrashed = rule.sample == .crashed && !session.crashed
        var conditional = false
        var seen: ByteSet = [FetchItem.logs]
        for artifact in rule.artifacts {
            let path: String
            switch artifact.path.resolve(for: session.identity) {
            case .success(let resolved): path = resolved
            case .failure(let unusable):
                job.decided.append(
                    ArtifactEntry(artifact: "\(artifact.path)", state: .skipped, reason: unusable.reason))
                continue
            }
            guard seen.insert(path).inserted else { continue }
            guard sampled, artifact.sample.includes(session: session.key) else {
                let why = sampled ? artifact.sample : rule.sample
                job.decided.append(
                    ArtifactEntry(artifact: path, state: .skipped, reason: "sample: \(why) of rule '\(rule.name)'"))
                continue
            }
            let waits = onlyIfCrashed || (artifact.sample == .crashed && !session.crashed)
            conditional = conditional || waits
            job.items.append(FetchItem(path, onlyIfCrashed: waits, earlier: known[path]))
        }
        let logs = FetchItem(FetchItem.logs, onlyIfCrashed: onlyIfCrashed, earlier: known[FetchItem.logs])
        if rule.logs, sampled {
            job.items.insert(logs, at: 0)
        } else {
            let reason =
                rule.logs ? "sample: \(rule.sample) of rule '\(rule.name)'" : "logs: false in rule '\(rule.name)'"
            job.decided.insert(ArtifactEntry(artifact: FetchItem.logs, state: .skipped, reason: reason), at: 0)
            if conditional { job.items.insert(FetchItem(FetchItem.logs, probe: true), at: 0) }
        }
        job.keepLedger(earlier)
        return job
    }

    /// Keeps the ledger's outcomes of artifacts that the current rules do not request: a collected artifact stays
    /// collected, and one that an earlier rule requested and did not get is still missing.
    private mutating func keepLedger(_ earlier: [ArtifactEntry]) {
        for row in earlier where !items.contains(where: { !$0.probe && $0.artifact.hasSameBytes(as: row.artifact) }) {
            let place = decided.firstIndex { $0.artifact.hasSameBytes(as: row.artifact) }
            switch (row.state, place) {
            case (.pending, nil):
                decided.append(
                    ArtifactEntry(artifact: row.artifact, state: .skipped, reason: "no rule asks for it now"))
            case (.pending, _), (.skipped, _?): break
            case (_, let place?): decided[place] = row
            case (_, nil): decided.append(row)
            }
        }
    }
}
