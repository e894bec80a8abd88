import Catalog
import Ingest
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
    /// What is in it.
    var inventory: PackInventory

    /// The number of the claim under which it was made; 0 for one without.
    var epoch: UInt64 { PackPath.generation(of: path)?.epoch ?? 0 }
}

/// The tables of a pack, for comparing it with another one of its session.
struct PackInventory: Sendable {
    /// The rows in its footer.
    var artifacts: [ArtifactEntry] = []
    /// Its members.
    var members: [Member] = []

    private struct Key: Hashable {
        let artifact: [UInt8]
        let path: [UInt8]
    }

    private func artifact(of member: Member) -> [UInt8] {
        let index = Int(member.artifact)
        return artifacts.indices.contains(index) ? Array(artifacts[index].artifact.utf8) : []
    }

    /// A path of another pack that this one does not have, or not as well, by the rules of a merge: a merge of both would
    /// keep the other's. Nil if this pack contains the other one.
    func lacking(of other: PackInventory) -> String? {
        var best: [Key: MemberRank] = [:]
        for member in members {
            for path in MemberRank.paths(replacedBy: member) {
                let key = Key(artifact: artifact(of: member), path: path)
                best[key] = max(best[key] ?? MemberRank(member), MemberRank(member))
            }
        }
        let missing = other.members.first { member in
            best[Key(artifact: other.artifact(of: member), path: member.path)].map { $0 < MemberRank(member) } ?? true
        }
        return missing.map { Escape.path($0.path) }
    }
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
    ///   - held: what is in the session's recorded pack; empty without one.
    ///   - isClaimed: whether a harvester works on the session.
    static func verdict(
        _ orphan: Orphan, _ record: SessionRecord?, _ rows: [ArtifactEntry], in held: PackInventory = PackInventory(),
        isClaimed: Bool
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
        let artifacts = orphan.inventory.artifacts.filter(isHeld)
        if orphan.epoch > PackPath.generation(of: current)?.epoch ?? 0 {
            let names = ByteSet(artifacts.map(\.artifact))
            let missing = rows.first { isHeld($0) && !names.contains($0.artifact) }?.artifact
            if let missing = missing ?? orphan.inventory.lacking(of: held) {
                return .leave("it is newer than the session's pack and lacks \(missing)")
            }
            return .adopt(replacing: current)
        }
        let recorded = ByteDictionary(rows.map { ($0.artifact, $0) }, uniquingKeysWith: { $1 })
        let more = artifacts.first { !covers(recorded[$0.artifact], $0) }?.artifact
        if let more = more ?? held.lacking(of: orphan.inventory) {
            return .leave("it has more of \(more) than the session's pack; the next generation merges it")
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
