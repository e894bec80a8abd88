import Catalog
public import Model
import Text

extension Store {
    /// The builds of the selected sessions, the latest first. The limit applies to builds. With signatures or
    /// their states, only crashes with these count; all builds are listed.
    ///
    /// New signatures are those that no earlier build of the whole store has, merged ones as one.
    ///
    /// - Throws: as ``signatures(_:now:)`` does.
    public func builds(_ selection: Selection, now: Int64) throws -> [BuildOverview] {
        let sessions = Self.sessions(of: selection)
        let counts = try catalog().builds(sessions)
        guard !counts.isEmpty else { return [] }
        var builds: ByteDictionary<[BuildCount]> = [:]
        for count in counts { builds[count.tag, default: []].append(count) }
        let standings = try standings()
        let figures = try catalog().signatureFigures(
            Selection(errors: selection.errors), merged: standings.targets)
        let narrowed = try crashesByBuild(selection, standings)
        var tags = ByteSet(builds.keys)
        for figure in figures { for tag in figure.whole.tags { tags.insert(tag) } }
        let sorted = try buildOrder(tags).sorted(tags)
        let places = ByteDictionary(sorted.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        var news: ByteDictionary<Int> = [:]
        for figure in figures where narrowed?.signatures.contains(figure.whole.signature) ?? true {
            let first = figure.whole.tags.min { places[$0] ?? 0 < places[$1] ?? 0 }
            if let first { news[first, default: 0] += 1 }
        }
        var found: [BuildOverview] = []
        for tag in sorted.reversed() where found.count < max(0, selection.limit ?? .max) {
            guard let parts = builds[tag] else { continue }
            let crashes = narrowed.map { $0.builds[tag] ?? BuildCrashes() }
            found.append(BuildOverview(tag, parts, crashes, newSignatures: news[tag] ?? 0))
        }
        return found
    }

    /// The crashes of each build that have the selected signatures, and these; nil if no signature is selected.
    private func crashesByBuild(
        _ selection: Selection, _ standings: Standings
    ) throws -> (builds: ByteDictionary<BuildCrashes>, signatures: ByteSet)? {
        guard !selection.signatures.isEmpty || !selection.signatureStates.isEmpty else { return nil }
        var selection = try resolved(selection)
        selection.limit = nil
        var builds: ByteDictionary<BuildCrashes> = [:]
        var signatures: ByteSet = []
        try catalog().forEachCrash(selection) { row in
            signatures.insert(standings.target(of: row.signature))
            guard let tag = row.tag else { return }
            builds[tag, default: BuildCrashes()].count += 1
            builds[tag, default: BuildCrashes()].sessions.insert(row.session)
        }
        return (builds, signatures)
    }

    /// The builds that some selected session which has ended has, earliest first.
    func buildTags(_ selection: Selection) throws -> [String] {
        let counts = try catalog().builds(Self.sessions(of: selection)).filter { $0.sessions > 0 }
        let tags = ByteSet(counts.map(\.tag))
        return try buildOrder(tags).sorted(tags)
    }
}

/// The selected crashes of one build.
private struct BuildCrashes {
    var count = 0
    var sessions: ByteSet = []
}

extension BuildOverview {
    fileprivate init(_ tag: String, _ parts: [BuildCount], _ narrowed: BuildCrashes?, newSignatures: Int) {
        self.init(
            tag: tag, images: parts.map(\.image).filter { !$0.isEmpty },
            firstSeen: parts.map(\.first).min() ?? 0, lastSeen: parts.map(\.last).max() ?? 0,
            sessions: parts.map(\.sessions).reduce(0, +),
            crashedSessions: narrowed?.sessions.count ?? parts.map(\.crashed).reduce(0, +),
            crashes: narrowed?.count ?? parts.map(\.crashes).reduce(0, +), newSignatures: newSignatures)
    }
}
