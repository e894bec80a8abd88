import Catalog
import CrashAnalysis
import Dispatch
import Glibc
import Harvest
import Ingest
import Pack
import Text

/// Packs the harvest's downloads in the confined child.
struct ChildIngest: IngestService {
    let store: String
    private let current: CurrentConfiguration
    private let queue = DispatchQueue(label: "salvage.ingest", attributes: .concurrent)

    /// An ingest into `store` with the limits, redaction and signature rules that are configured when each session is
    /// packed.
    init(store: String, current: CurrentConfiguration) {
        self.store = store
        self.current = current
    }

    /// An ingest with a fixed configuration.
    init(store: String, configuration: Configuration) {
        self.init(store: store, current: CurrentConfiguration(configuration))
    }

    /// The ingest under the current configuration; it packs on the calling thread.
    var ingest: StoreIngest {
        let configuration = current.value
        return StoreIngest(
            store: store, limits: IngestLimits(configuration),
            redactions: configuration.redact.map {
                RedactionRule(name: $0.name, pattern: $0.pattern, replacement: $0.replacement)
            })
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
            if let known = rows.firstIndex(where: { $0.artifact.hasSameBytes(as: file.artifact) }) {
                index = known
            } else {
                rows.append(ArtifactEntry(artifact: file.artifact))
                index = rows.count - 1
            }
            let isLog = file.artifact == FetchItem.logs
            let earlier = inputs.count { $0.input.artifact == index }
            var input = IngestJob.Input(
                artifact: index, form: isLog ? .file : .archive, name: Array(ConsoleLog.path(earlier).utf8),
                modified: (request.facts.firstSeenExited ?? 0) &* 1_000_000)
            // Only the first log has the flags: the ledger's row is about that one.
            if isLog, earlier == 0 { input.flags = FollowedLogFlag.of(file, beside: files) }
            inputs.append(IngestFile(path: file.path, input: input))
        }
        do {
            let packed = try ingest.pack(
                session: request.facts, artifacts: rows, files: inputs, earlier: request.earlierPack)
            var contents = try PackContents(packed.reader, path: packed.pack)
            // Symbols may have been added since the last session was packed.
            let configuration = current.value
            CrashSigner(
                store: store, rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing
            ).renew(&contents)
            var outcome = IngestOutcome(contents: contents, verdicts: verdicts(files, rows: rows, packed: packed))
            for (index, reason) in packed.waiting where rows.indices.contains(index) {
                outcome.waiting[rows[index].artifact] = reason
            }
            outcome.earlierDamage = packed.earlierDamage
            outcome.quarantined = packed.quarantined.map { ($0.place, $0.reason) }
            return outcome
        } catch let error as IngestError where error.code == .noSpace {
            throw HarvestError(.storeUnusable, error.message, session: request.facts.session)
        } catch let error as PackError where error.code == .noSpace {
            throw HarvestError(.storeUnusable, error.description, session: request.facts.session)
        }
    }

    /// Orders the downloads of each artifact, the best first. All are packed, as each may hold what no other does,
    /// except one that is a prefix of a better one.
    private func ordered(_ files: [SpooledFile]) -> [SpooledFile] {
        let sorted = files.enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            if !a.artifact.hasSameBytes(as: b.artifact) { return a.artifact.precedesInBytes(b.artifact) }
            if a.complete != b.complete { return a.complete }
            if a.bytes != b.bytes { return a.bytes > b.bytes }
            return left.offset > right.offset
        }.map(\.element)
        var chosen: [SpooledFile] = []
        for file in sorted {
            let isKnown = chosen.contains {
                $0.artifact.hasSameBytes(as: file.artifact) && FilePrefix.isPrefix(file.path, of: $0.path)
            }
            if !isKnown { chosen.append(file) }
        }
        return chosen
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

extension IngestLimits {
    /// The configured limits on one archive and its reader, and the barriers that may be missing.
    init(_ configuration: Configuration) {
        self.init()
        allowMissing = configuration.confinement.allowMissing
        let unpack = configuration.limits.unpack
        milliseconds = unpack.time
        headerBytes = unpack.headerBytes
        entries = unpack.entries
        entryBytes = unpack.entrySize
        totalBytes = unpack.totalSize
        sparseExtents = unpack.sparseExtents
        expandedBytes = unpack.expandedSize
    }
}

/// The stdout and stderr log as a member.
enum ConsoleLog {
    /// Its path in the pack, where `earlier` is the number of logs before it: a followed log that the final one does
    /// not contain is kept beside it.
    static func path(_ earlier: Int) -> String { earlier == 0 ? "console.log" : "console.\(earlier + 1).log" }
}

/// The ledger's flags for a log that was followed and fetched, when the fetched log does not contain the followed one.
enum FollowedLogFlag {
    /// The fetched log is a prefix of the followed one.
    static let longer = "followed_log_longer"
    /// The logs differ.
    static let differs = "followed_log_differs"

    /// The flags of the log that is kept first.
    static func of(_ log: SpooledFile, beside files: [SpooledFile]) -> [String] {
        guard log.complete else { return [] }
        let others = files.filter {
            $0.artifact.hasSameBytes(as: log.artifact) && $0.path != log.path && $0.isFromFollowing
        }
        guard !others.isEmpty else { return [] }
        return [others.allSatisfy { FilePrefix.isPrefix(log.path, of: $0.path) } ? longer : differs]
    }
}

/// Compares files that may be large.
enum FilePrefix {
    /// Whether one file is a prefix of another; false also when one of them cannot be read.
    static func isPrefix(_ short: String, of long: String) -> Bool {
        let left = open(short, O_RDONLY | O_CLOEXEC)
        let right = open(long, O_RDONLY | O_CLOEXEC)
        defer { for descriptor in [left, right] where descriptor >= 0 { close(descriptor) } }
        guard left >= 0, right >= 0 else { return false }
        var a = [UInt8](repeating: 0, count: 256 * 1024)
        var b = a
        var offset: off_t = 0
        while true {
            let count = a.withUnsafeMutableBytes { pread(left, $0.baseAddress, $0.count, offset) }
            if count == 0 { return true }
            guard count > 0 else { return false }
            var matched = 0
            while matched < count {
                let wanted = count - matched
                let got = b.withUnsafeMutableBytes {
                    pread(right, $0.baseAddress.map { $0 + matched }, wanted, offset + off_t(matched))
                }
                guard got > 0 else { return false }
                matched += got
            }
            guard a[..<count] == b[..<count] else { return false }
            offset += off_t(count)
        }
    }
}
