import Catalog
import Model
import Pack
import Text

/// A pack of a bucket that no row of the catalog names and that is not garbage.
struct Orphan: Sendable {
    /// Its path.
    var path: String
    /// When its bytes were written, in nanoseconds since 1970.
    var modified: Int64
    /// The session in its footer.
    var session: String
    /// The rows in its footer.
    var artifacts: [ArtifactEntry]

    /// The number of the claim under which it was made; 0 for one without.
    var epoch: UInt64 { PackPath.generation(of: path)?.epoch ?? 0 }
}

/// What the sweep does about an orphan.
enum SweepVerdict: Sendable, Equatable {
    /// Its session's row has no pack, or one that is older and has nothing more: it becomes the session's pack.
    case adopt(replacing: String?)
    /// Its session's pack has all of it: it may be deleted.
    case discard
    /// Neither is certain: it stays, for this reason.
    case leave(String)
}

/// Decides about orphans. A pure function of what was read: the absence of a row alone never deletes a pack, because after a
/// failover to a database that lagged behind, the newest packs have no rows.
enum SweepPlan {
    /// Decides about one orphan.
    ///
    /// - Parameters:
    ///   - orphan: the pack.
    ///   - record: its session's row; nil without one.
    ///   - rows: the artifacts of its session in the ledger.
    ///   - isClaimed: whether a harvester works on the session.
    static func verdict(
        _ orphan: Orphan, _ record: SessionRecord?, _ rows: [ArtifactEntry], isClaimed: Bool
    ) -> SweepVerdict {
        guard PackPath.isPlace(orphan.path, of: orphan.session) else {
            return .leave("its footer says that it is a pack of session \(orphan.session), which has another file name")
        }
        // Whoever works on the session merges it into the next generation.
        if isClaimed { return .leave("a harvester works on its session") }
        guard let record, let current = record.pack else {
            // What was pruned must not come back. What was written after the prune is new.
            if let pruned = record?.pruned, orphan.modified / 1_000_000 <= pruned { return .discard }
            return .adopt(replacing: nil)
        }
        let epoch = PackPath.generation(of: current)?.epoch ?? 0
        if orphan.epoch > epoch {
            let held = ByteSet(orphan.artifacts.filter(isHeld).map(\.artifact))
            guard let missing = rows.first(where: { isHeld($0) && !held.contains($0.artifact) }) else {
                return .adopt(replacing: current)
            }
            return .leave("it is newer than the session's pack and lacks \(missing.artifact)")
        }
        let recorded = ByteDictionary(rows.map { ($0.artifact, $0) }, uniquingKeysWith: { $1 })
        if let more = orphan.artifacts.first(where: { isHeld($0) && !covers(recorded[$0.artifact], $0) }) {
            return .leave("it has more of \(more.artifact) than the session's pack; the next generation merges it")
        }
        return .discard
    }

    private static func isHeld(_ row: ArtifactEntry) -> Bool { row.state == .collected || row.state == .incomplete }

    /// Whether the recorded pack has everything of an orphan's artifact.
    private static func covers(_ recorded: ArtifactEntry?, _ orphan: ArtifactEntry) -> Bool {
        guard let recorded else { return false }
        switch recorded.state {
        case .collected: return true
        case .incomplete: return orphan.state == .incomplete && orphan.bytes <= recorded.bytes
        case .pending, .absent, .skipped, .failed, .lost: return false
        }
    }
}
