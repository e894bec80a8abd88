import Foundation
import Pack

/// Carries what an earlier pack of the session holds over into the one being written, so that a later try never costs
/// what an earlier one had saved.
struct Generation {
    let writer: PackWriter
    let verdicts: [ArtifactVerdict]

    /// Copies the earlier members that the new downloads do not replace, merges the ledger rows, and returns the crash
    /// records to keep with the new ones.
    func keep(
        previous: PackReader, artifacts: inout [ArtifactEntry], records: [[UInt8]]
    ) throws -> [[UInt8]] {
        let old = (try? previous.artifacts()) ?? []
        let places = place(old, in: &artifacts)
        let replaced = wholeArtifacts
        let fresh = try freshMembers()
        var kept = Set<[UInt8]>()
        func isKept(_ member: Member) -> Bool {
            let artifact = places[Int(member.artifact)] ?? member.artifact
            if replaced.contains(artifact) { return false }
            let newer = fresh[MemberKey(artifact: artifact, path: member.path)]
            if let newer, newer >= rank(member) { return false }
            kept.insert(member.path)
            return true
        }
        try writer.copyAll(from: previous, artifact: { places[Int($0)] ?? $0 }, where: isKept)
        return records + olderRecords(previous, kept: kept, new: records)
    }

    private struct MemberKey: Hashable {
        let artifact: UInt32
        let path: [UInt8]
    }

    /// Whole beats cut; among cut ones the longer is better.
    private struct Rank: Comparable {
        let isWhole: Bool
        let size: UInt64

        static func < (left: Rank, right: Rank) -> Bool {
            (left.isWhole ? 1 : 0, left.size) < (right.isWhole ? 1 : 0, right.size)
        }
    }

    private func rank(_ member: Member) -> Rank {
        Rank(isWhole: member.flags.isDisjoint(with: [.truncated, .corrupt, .limited]), size: member.size)
    }

    private func freshMembers() throws(PackError) -> [MemberKey: Rank] {
        var best: [MemberKey: Rank] = [:]
        for index in 0..<writer.memberCount {
            let member = try writer.member(index)
            let key = MemberKey(artifact: member.artifact, path: member.path)
            best[key] = max(best[key] ?? rank(member), rank(member))
        }
        return best
    }

    /// Where each earlier artifact stands among the new rows; rows that are missing are added, better ones come back.
    private func place(_ old: [ArtifactEntry], in artifacts: inout [ArtifactEntry]) -> [Int: UInt32] {
        var places: [Int: UInt32] = [:]
        for (index, row) in old.enumerated() {
            guard let here = artifacts.firstIndex(where: { $0.artifact == row.artifact }) else {
                artifacts.append(row)
                places[index] = UInt32(artifacts.count - 1)
                continue
            }
            places[index] = UInt32(here)
            guard worth(row.state) > worth(artifacts[here].state) else { continue }
            var better = row
            better.tries = max(row.tries, artifacts[here].tries)
            better.lastTry = artifacts[here].lastTry ?? row.lastTry
            artifacts[here] = better
        }
        return places
    }

    private func worth(_ state: ArtifactState) -> Int {
        switch state {
        case .collected: 3
        case .incomplete: 2
        case .absent, .skipped: 1
        case .pending, .failed, .lost: 0
        }
    }

    /// Artifacts that arrived whole now: nothing of an earlier try is needed.
    private var wholeArtifacts: Set<UInt32> {
        Set(verdicts.filter { $0.verdict == "ok" }.map { UInt32(clamping: $0.artifact) })
    }

    private func olderRecords(_ previous: PackReader, kept: Set<[UInt8]>, new: [[UInt8]]) -> [[UInt8]] {
        struct Identity: Decodable {
            var crash: String?
            var member: String?
        }
        func identity(_ json: [UInt8]) -> Identity? { try? JSONDecoder().decode(Identity.self, from: Data(json)) }
        let known = Set(new.compactMap { identity($0)?.crash })
        let names = Set(kept.map { String(decoding: $0, as: UTF8.self) })
        return ((try? previous.crashes()) ?? []).filter { json in
            guard let record = identity(json) else { return false }
            return names.contains(record.member ?? "") && !known.contains(record.crash ?? "")
        }
    }
}
