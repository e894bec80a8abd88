import Catalog
import Model
import Pack
import Text

extension StoreIngest {
    /// Packs a session's downloads from the spool. Blocks; call it on a thread of its own.
    ///
    /// - Throws: as ``pack(session:artifacts:files:earlier:epoch:keepsLock:)``.
    public func pack(_ request: IngestRequest) throws -> IngestOutcome {
        var rows = request.artifacts
        let files = request.files.ordered()
        var inputs: [IngestFile] = []
        for file in files {
            let index: Int
            if let known = rows.firstIndex(where: { $0.artifact.hasSameBytes(as: file.artifact) }) {
                index = known
            } else {
                rows.append(ArtifactEntry(artifact: file.artifact))
                index = rows.count - 1
            }
            let isLog = file.artifact == SpooledFile.logs
            let earlier = inputs.count { $0.input.artifact == index }
            var input = IngestJob.Input(
                artifact: index, form: isLog ? .file : .archive, name: Array(ConsoleLog.path(earlier).utf8),
                modified: (request.facts.firstSeenExited ?? 0) &* 1_000_000)
            input.isCut = !file.complete
            // Only the first log has the flags: the ledger's row is about that one.
            if isLog, earlier == 0 { input.flags = FollowedLogFlag.of(file, beside: files) }
            inputs.append(IngestFile(path: file.path, input: input))
        }
        let packed = try pack(
            session: request.facts, artifacts: rows, files: inputs, earlier: request.earlierPack, epoch: request.epoch)
        var outcome = IngestOutcome(contents: packed.contents)
        for index in Set(inputs.map(\.input.artifact)) {
            if let reason = packed.waiting[index] {
                outcome.waiting[rows[index].artifact] = reason
            } else {
                let judged = packed.judged(rows[index], at: index)
                outcome.contents.artifacts[index].state = judged.state
                outcome.contents.artifacts[index].reason = judged.reason
            }
        }
        outcome.earlierDamage = packed.earlierDamage
        outcome.superseded = packed.superseded
        outcome.filters = packed.filters
        outcome.quarantined = packed.quarantined.map { ($0.place, $0.reason) }
        return outcome
    }
}

extension PackedSession {
    /// Returns the row of an artifact, judged by its downloads alone. The pack's row may be an earlier and better one
    /// of the same artifact.
    fileprivate func judged(_ row: ArtifactEntry, at index: Int) -> ArtifactEntry {
        var row = row
        for file in quarantined where file.artifact == index { file.mark(&row) }
        for (number, verdict) in verdicts.filter({ $0.artifact == index }).enumerated() {
            row.judge(by: verdict, isFirst: number == 0)
        }
        return row
    }
}
