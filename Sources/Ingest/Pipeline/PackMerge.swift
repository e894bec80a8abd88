import JSON
import Model
import Pack
import Text

/// Carries the content of an earlier pack of the session over into the one being written, so that a later try never
/// loses what an earlier one saved.
struct PackMerge {
    let writer: PackWriter
    let verdicts: [ArtifactVerdict]
    /// The damage found in the earlier pack.
    private(set) var damage = EarlierDamage()
    /// The suffix for the earlier pack's artifact names, if that pack is of another run under the same id.
    private var runMark = ""

    init(writer: PackWriter, verdicts: [ArtifactVerdict]) {
        self.writer = writer
        self.verdicts = verdicts
    }

    /// Returns the suffix for the artifact names of another run under the same id, created at this time.
    static func mark(ofRun created: Int64) -> String { "@\(created)" }

    /// The artifact name for members of a pack whose list of artifacts is lost.
    private static let unknownArtifact = "unknown"

    /// Copies the earlier members that the new downloads do not replace, merges ledger rows and session facts, and adds
    /// the crash records to keep. Damage in the earlier pack is not an error: everything readable is kept.
    ///
    /// - Throws: `PackError` when the earlier pack cannot be read now, or the new one cannot be written.
    mutating func keep(
        previous: PackReader, artifacts: inout [ArtifactEntry], records: inout [[UInt8]], facts: inout SessionMetadata
    ) throws(PackError) {
        damage = EarlierDamage(
            problems: previous.footerDamage.map(\.description), isCut: !previous.footerDamage.isEmpty)
        if let earlier = try section("the session's facts", { () throws(PackError) in try previous.session() }) {
            guard earlier.session.hasSameBytes(as: facts.session) else {
                throw PackError(.misuse, "an earlier pack belongs to another session: \(earlier.session)")
            }
            if let created = facts.createdOfOtherRun(earlier) {
                runMark = Self.mark(ofRun: created)
            } else {
                if let logged = earlier.lastLogged { facts.lastLogged = max(logged, facts.lastLogged ?? logged) }
                facts.fill(from: earlier)
            }
        }
        let (places, cameBack) = try place(previous, in: &artifacts)
        let fresh = try freshMembers()
        let whole = wholeArtifacts
        var kept = Set<[UInt8]>()
        func isKept(_ member: Member) -> Bool {
            let artifact = places[Int(member.artifact)] ?? member.artifact
            let newer = fresh[MemberKey(artifact: artifact, path: member.path)]
            if let newer, newer >= MemberRank(member) { return false }
            // Read after resynchronising behind damage, so even its name may be wrong; a complete download is better.
            if whole.contains(artifact), member.flags.contains(.corrupt) { return false }
            kept.insert(member.path)
            return true
        }
        let carried = try writer.carry(from: previous, artifact: { places[Int($0)] ?? $0 }, where: isKept)
        note(carried, previous.members)
        mark(carried, previous.members, places, cameBack, &artifacts)
        let older = try section("the crash records", { () throws(PackError) in try previous.crashes() }) ?? []
        records += self.older(older, kept: kept, new: records)
    }

    /// Reads a section of the earlier pack; records damage and returns nil when it is damaged.
    private mutating func section<T>(_ name: String, _ read: () throws(PackError) -> T) throws(PackError) -> T? {
        do throws(PackError) {
            return try read()
        } catch {
            guard !error.isLocalFault else { throw error }
            damage.problems.append("\(name) of the earlier pack cannot be read: \(error.message)")
            damage.isCut = true
            return nil
        }
    }

    private mutating func note(_ carried: CarriedMembers, _ members: [Member]) {
        let names = (carried.damaged + carried.cut).prefix(8).map { String(decoding: members[$0].path, as: UTF8.self) }
        guard !names.isEmpty else { return }
        let count = Set(carried.damaged + carried.cut).count
        let are = counted(count, "member of the earlier pack is", "members of the earlier pack are")
        damage.problems.append("\(are) damaged: \(names.joined(separator: ", "))")
        if !carried.cut.isEmpty { damage.isCut = true }
    }

    /// Marks the rows whose members are damaged in the earlier pack.
    private func mark(
        _ carried: CarriedMembers, _ members: [Member], _ places: [Int: UInt32], _ cameBack: Set<Int>,
        _ artifacts: inout [ArtifactEntry]
    ) {
        let bad = Set((carried.damaged + carried.cut).map { Int(members[$0].artifact) })
        let tables = damage.isCut && members.isEmpty
        for (old, place) in places where tables || bad.contains(old) {
            let index = Int(place)
            guard artifacts.indices.contains(index) else { continue }
            artifacts[index].flag(EarlierDamage.flag)
            guard cameBack.contains(old), artifacts[index].state == .collected else { continue }
            artifacts[index].state = .incomplete
            artifacts[index].reason = "the earlier pack that contains it is damaged; see salvage verify"
        }
    }

    private struct MemberKey: Hashable {
        let artifact: UInt32
        let path: [UInt8]
    }

    private func freshMembers() throws(PackError) -> [MemberKey: MemberRank] {
        var best: [MemberKey: MemberRank] = [:]
        for index in 0..<writer.memberCount {
            let member = try writer.member(index)
            for path in MemberRank.paths(replacedBy: member) {
                let key = MemberKey(artifact: member.artifact, path: path)
                best[key] = max(best[key] ?? MemberRank(member), MemberRank(member))
            }
        }
        return best
    }

    /// Maps each earlier artifact to a row of the new pack. Adds missing rows, and restores earlier, better ones.
    private mutating func place(
        _ previous: PackReader, in artifacts: inout [ArtifactEntry]
    ) throws(PackError) -> (places: [Int: UInt32], cameBack: Set<Int>) {
        let rows = try section("the list of artifacts", { () throws(PackError) in try previous.artifacts() })
        guard let rows else { return (unknownPlaces(previous, in: &artifacts), []) }
        var places: [Int: UInt32] = [:]
        var cameBack: Set<Int> = []
        for (index, earlier) in rows.enumerated() {
            var row = earlier
            row.artifact += runMark
            guard let here = artifacts.firstIndex(where: { $0.artifact.hasSameBytes(as: row.artifact) }) else {
                artifacts.append(row)
                places[index] = UInt32(artifacts.count - 1)
                cameBack.insert(index)
                continue
            }
            places[index] = UInt32(here)
            guard row.state.worth > artifacts[here].state.worth else { continue }
            var better = row
            better.tries = max(row.tries, artifacts[here].tries)
            better.lastTry = artifacts[here].lastTry ?? row.lastTry
            artifacts[here] = better
            cameBack.insert(index)
        }
        return (places, cameBack)
    }

    /// Adds one row for all members whose artifacts are no longer known.
    private func unknownPlaces(_ previous: PackReader, in artifacts: inout [ArtifactEntry]) -> [Int: UInt32] {
        guard !previous.members.isEmpty else { return [:] }
        if !artifacts.contains(where: { $0.artifact == Self.unknownArtifact }) {
            artifacts.append(
                ArtifactEntry(
                    artifact: Self.unknownArtifact, state: .incomplete,
                    reason: "the earlier pack's list of artifacts is damaged", flags: [EarlierDamage.flag]))
        }
        let index = artifacts.firstIndex { $0.artifact == Self.unknownArtifact } ?? artifacts.count - 1
        return previous.members.reduce(into: [:]) { $0[Int($1.artifact)] = UInt32(index) }
    }

    /// The artifacts whose new download is complete.
    private var wholeArtifacts: Set<UInt32> {
        Set(verdicts.filter { $0.verdict == .ok && $0.entries > 0 }.map { UInt32(clamping: $0.artifact) })
    }

    private func older(_ records: [[UInt8]], kept: Set<[UInt8]>, new: [[UInt8]]) -> [[UInt8]] {
        // Nil for a record of another shape, such as of a later version.
        func text(_ name: String, _ record: JSONValue) -> String? {
            switch record[name] {
            case nil, .null: ""
            case let value?: value.string
            }
        }
        func identity(_ json: [UInt8]) -> (crash: String, member: String)? {
            guard let record = try? JSONValue(parsing: json), record.members != nil,
                let crash = text("crash", record), let member = text("member", record)
            else { return nil }
            return (crash, member)
        }
        let known = ByteSet(new.compactMap { identity($0)?.crash })
        let names = ByteSet(kept.map { String(decoding: $0, as: UTF8.self) })
        return records.filter { json in
            // Keep a record that cannot be decoded.
            guard let record = identity(json) else { return true }
            return names.contains(record.member) && !known.contains(record.crash)
        }
    }
}

extension SessionMetadata {
    /// The tolerance for equal creation times, in milliseconds: the API may return whole seconds.
    private static let coarsestClock: Int64 = 1999

    /// Returns when the earlier pack's container was created, if it is another one under the same id; this can happen
    /// after the catalog was lost. The artifacts of both runs are then kept side by side, because one run's log must
    /// not replace the other's.
    func createdOfOtherRun(_ earlier: SessionMetadata) -> Int64? {
        guard source == "harvest", earlier.source == "harvest", let mine = created, let theirs = earlier.created,
            abs(mine &- theirs) > Self.coarsestClock
        else { return nil }
        return theirs
    }

    /// Fills in missing fields from an earlier pack.
    mutating func fill(from earlier: SessionMetadata) {
        identity.merge(from: earlier.identity)
        if source == "ingest" { labels = labels.merging(earlier.labels) { mine, _ in mine } }
        exited = exited ?? earlier.exited
        firstSeenExited = [firstSeenExited, earlier.firstSeenExited].compactMap { $0 }.min()
        deadline = deadline ?? earlier.deadline
        if source != "harvest" { source = earlier.source ?? source }
    }
}
