import Catalog
import Dispatch
import Harvest
import Ingest
import Pack

/// Has the harvest's downloads packed by the confined child.
struct ChildIngest: IngestService {
    let store: String
    let limits: IngestLimits
    private let queue = DispatchQueue(label: "salvage.ingest", attributes: .concurrent)

    /// An ingest into `store` within the configured bounds.
    init(store: String, limits: Configuration.Limits) {
        self.store = store
        var bounds = IngestLimits()
        bounds.headerBytes = limits.unpack.headerBytes
        bounds.entries = limits.unpack.entries
        bounds.entryBytes = limits.unpack.entrySize
        bounds.totalBytes = limits.unpack.totalSize
        bounds.sparseExtents = limits.unpack.sparseExtents
        self.limits = bounds
    }

    func ingest(_ request: IngestRequest) async throws -> IngestOutcome {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try pack(request) }) }
        }
    }

    private func pack(_ request: IngestRequest) throws -> IngestOutcome {
        var rows = request.artifacts
        let files = ordered(request.files)
        var inputs: [IngestFile] = []
        for file in files {
            let index: Int
            if let known = rows.firstIndex(where: { $0.artifact == file.artifact }) {
                index = known
            } else {
                rows.append(ArtifactEntry(artifact: file.artifact))
                index = rows.count - 1
            }
            let isLog = file.artifact == FetchItem.logs
            let earlier = inputs.count { $0.input.artifact == index }
            inputs.append(
                IngestFile(
                    path: file.path,
                    input: IngestJob.Input(
                        artifact: index, form: isLog ? .file : .archive, name: Array(ConsoleLog.path(earlier).utf8),
                        modified: (request.facts.firstSeenExited ?? 0) &* 1_000_000)))
        }
        do {
            let packed = try StoreIngest(store: store, limits: limits).pack(
                session: request.facts, artifacts: rows, files: inputs, earlier: request.earlierPack)
            let reader = try PackReader.open(path: store + "/" + packed.pack)
            return IngestOutcome(
                contents: try PackContents(reader, path: packed.pack),
                verdicts: verdicts(files, rows: rows, packed: packed))
        } catch let error as IngestError where error.code == .noSpace {
            throw HarvestError(.storeUnusable, error.message, session: request.facts.session)
        } catch let error as PackError where error.code == .noSpace {
            throw HarvestError(.storeUnusable, error.description, session: request.facts.session)
        }
    }

    /// Several downloads of one artifact all go in, for each may hold what no other does; the best one comes last,
    /// because the last verdict is the one that the row keeps.
    private func ordered(_ files: [SpooledFile]) -> [SpooledFile] {
        files.enumerated().sorted { left, right in
            if left.element.artifact != right.element.artifact { return left.element.artifact < right.element.artifact }
            if left.element.complete != right.element.complete { return right.element.complete }
            return left.offset < right.offset
        }.map(\.element)
    }

    private func verdicts(
        _ files: [SpooledFile], rows: [ArtifactEntry], packed: PackedSession
    ) -> [String: IngestVerdict] {
        var verdicts: [String: IngestVerdict] = [:]
        for file in files {
            guard let index = rows.firstIndex(where: { $0.artifact == file.artifact }) else { continue }
            let found = packed.verdicts.filter { $0.artifact == index }
            let isWhole = file.complete && found.last?.verdict == "ok"
            let isEmpty = found.allSatisfy { $0.entries == 0 } && (found.isEmpty || !isWhole)
            let row = packed.artifacts.indices.contains(index) ? packed.artifacts[index] : nil
            let cut = file.complete ? nil : "the download was cut off"
            verdicts[file.artifact] = IngestVerdict(
                complete: isWhole, empty: isEmpty, reason: isWhole ? nil : row?.reason ?? cut)
        }
        return verdicts
    }
}

/// The stdout and stderr log as a member.
enum ConsoleLog {
    /// Its path in the pack, given how many of its kind are there already: a followed log that the final one does not
    /// contain is kept beside it.
    static func path(_ earlier: Int) -> String { earlier == 0 ? "console.log" : "console.\(earlier + 1).log" }
}
