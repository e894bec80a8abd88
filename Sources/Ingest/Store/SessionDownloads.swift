import Pack
import Text

extension StoreIngest {
    /// Packs a session's downloads from the spool. Blocks; call it on a thread of its own.
    ///
    /// - Throws: as ``pack(session:artifacts:files:earlier:keepsLock:)``.
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
            // Only the first log has the flags: the ledger's row is about that one.
            if isLog, earlier == 0 { input.flags = FollowedLogFlag.of(file, beside: files) }
            inputs.append(IngestFile(path: file.path, input: input))
        }
        let packed = try pack(
            session: request.facts, artifacts: rows, files: inputs, earlier: request.earlierPack)
        var outcome = IngestOutcome(contents: packed.contents, verdicts: verdicts(files, rows: rows, packed: packed))
        for (index, reason) in packed.waiting where rows.indices.contains(index) {
            outcome.waiting[rows[index].artifact] = reason
        }
        outcome.earlierDamage = packed.earlierDamage
        outcome.quarantined = packed.quarantined.map { ($0.place, $0.reason) }
        return outcome
    }

    private func verdicts(
        _ files: [SpooledFile], rows: [ArtifactEntry], packed: PackedSession
    ) -> ByteDictionary<IngestVerdict> {
        var verdicts: ByteDictionary<IngestVerdict> = [:]
        for file in files {
            guard let index = rows.firstIndex(where: { $0.artifact.hasSameBytes(as: file.artifact) }) else { continue }
            let found = packed.verdicts.filter { $0.artifact == index }
            let isWhole =
                files.contains { $0.artifact.hasSameBytes(as: file.artifact) && $0.complete }
                && found.contains { $0.verdict == "ok" }
            let isEmpty = found.allSatisfy { $0.entries == 0 }
            let row = packed.artifacts.indices.contains(index) ? packed.artifacts[index] : nil
            let cut = file.complete ? nil : "the download was cut off"
            verdicts[file.artifact] = IngestVerdict(
                complete: isWhole, empty: isEmpty, reason: isWhole && !isEmpty ? nil : row?.reason ?? cut)
        }
        return verdicts
    }
}

