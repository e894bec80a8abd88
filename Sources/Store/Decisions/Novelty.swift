import Catalog
import Model
import Text

extension Store {
    /// The crashes of a session in the order of its pack, and whether each is new or returned.
    ///
    /// What counts as seen before is a crash that the catalog got earlier, whatever the clocks of the containers said: so of
    /// several sessions that crash with the same new signature, the one that is committed first has the new crash, also if
    /// all are asked about later. Of several crashes of one session with one signature, the first is new or returned, and
    /// the others are known. A crash is returned if no earlier one came back since the decision.
    ///
    /// - Parameters:
    ///   - session: the session's full id.
    ///   - now: the current time, in milliseconds since 1970.
    /// - Throws: as ``signatures(_:now:)`` does.
    public func novelty(ofCrashesIn session: String, now: Int64) throws -> [NovelCrash] {
        guard let record = try catalog().session(session), record.crashes > 0 else { return [] }
        let rows = try catalog().crashes(named: session)
            .filter { $0.session.hasSameBytes(as: session) && CrashRecord.isCrash(kind: $0.kind) }
        guard !rows.isEmpty else { return [] }
        let standings = try standings()
        var overviews: ByteDictionary<SignatureOverview> = [:]
        var found: [NovelCrash] = []
        for row in rows {
            let target = standings.target(of: row.signature)
            if let known = overviews[target] {
                let novelty: CrashNovelty = known.state == .ignored ? .ignored : .known
                found.append(NovelCrash(crash: StoredCrash(row), novelty: novelty, signature: known))
                continue
            }
            let overview = try overview(of: target, standings, now: now)
            overviews[target] = overview
            let novelty = try novelty(of: overview, in: record, standings)
            found.append(NovelCrash(crash: StoredCrash(row), novelty: novelty, signature: overview))
        }
        return found
    }

    private func novelty(
        of overview: SignatureOverview, in session: SessionRecord, _ standings: Standings
    ) throws -> CrashNovelty {
        var before = CrashScope(standings.group(overview.signature))
        before.before = session.session
        before.includesRemoved = true
        switch overview.standing.resolution?.action {
        case .ignore? where overview.state == .ignored: return .ignored
        case .resolve(let tag?)?:
            let order = try buildOrder([tag] + [session.tag].compactMap { $0 })
            guard let own = session.tag, order.isAtOrAfter(own, tag) else { return .known }
            before.after = overview.standing.resolution?.time
            let others = try catalog().tags(before)
            let whole = try buildOrder([tag] + others)
            return others.contains { whole.isAtOrAfter($0, tag) } ? .known : .returned
        case .resolve(nil)?:
            let decided = overview.standing.resolution?.time ?? .max
            guard session.began > decided else { return .known }
            before.after = decided
            before.beganAfter = decided
            return try catalog().hasCrash(before) ? .known : .returned
        case .ignore?, .reopen?, .assign?, .merge?, .unmerge?, .note?, nil: break
        }
        if standings.isMentioned(overview.signature) { return .known }
        return try catalog().hasCrash(before) ? .known : .new
    }
}

extension SessionRecord {
    /// When it began, as far as that is known (ms since 1970).
    fileprivate var began: Int64 { created ?? firstSeen ?? exited ?? firstSeenExited ?? .min }
}
