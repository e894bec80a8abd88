import Catalog
public import Model
import Text

extension Store {
    /// The selected signatures, most crashes first. The limit applies to signatures.
    ///
    /// The share is that of the sessions that the selection has without its signatures, states and `crashed`; `since` and
    /// `until` apply to the end of these sessions and to the time of crashes.
    ///
    /// - Throws: `CatalogError`, or ``StoreError`` if the journal of decisions cannot be read now.
    public func signatures(_ selection: Selection, now: Int64) throws -> [SignatureOverview] {
        let standings = try standings()
        var asked = standings.widened(try identified(selection, standings))
        let states = asked.signatureStates
        let limit = max(0, selection.limit ?? .max)
        asked.signatureStates = []
        if !states.isEmpty { asked.limit = nil }
        let figures = try catalog().signatureFigures(asked, merged: standings.targets)
        let view = try SignatureView(
            self, standings, figures.map(\.whole), since: selection.since, until: selection.until, now: now,
            errors: selection.errors)
        let ended = figures.isEmpty ? 0 : try endedSessions(selection)
        var found: [SignatureOverview] = []
        for figure in figures where found.count < limit {
            let overview = try view.overview(of: figure, ended: ended)
            if states.isEmpty || states.contains(overview.state) { found.append(overview) }
        }
        return found
    }

    /// The number of sessions that have ended and match a selection of crashes, whatever they crashed with.
    func endedSessions(_ selection: Selection) throws(CatalogError) -> Int {
        try catalog().endedSessions(Self.sessions(of: selection))
    }

    /// A selection of crashes as one of the sessions that might have them.
    static func sessions(of selection: Selection) -> Selection {
        var sessions = selection.withoutSignatures
        (sessions.crashed, sessions.limit, sessions.errors) = (false, nil, false)
        return sessions
    }

    /// Adds a decision to the journal, synced, and returns the signature with it.
    ///
    /// A decision about a signature that is merged into another is one about the other.
    ///
    /// - Throws: ``StoreError`` with `usage` for a decision that is not possible, with `decisionFailed` if it could not be
    ///   written, or with `unreadableNow`; `CatalogError`.
    public func decide(_ decision: Decision, now: Int64) throws -> SignatureOverview {
        try DecisionCheck.check(decision, now: now)
        try Catalog.requireNoRestore(store: path)
        let decisions = try DecisionJournal(try catalogForWriting()).append { contents in
            try DecisionCheck.accepted(decision, by: try standings(contents.decisions))
        }
        return try overview(of: decision.signature, try standings(decisions), now: now)
    }

    /// The overview of the signature as which the crashes of `text` count, over the whole store; one without crashes if
    /// only the journal knows it.
    func overview(of text: String, _ standings: Standings, now: Int64) throws -> SignatureOverview {
        let target = standings.target(of: text)
        let names = standings.group(target)
        var errors = false
        var found = try catalog().signatures(named: names, merged: standings.targets)
        if found.isEmpty {
            found = try catalog().signatures(named: names, merged: standings.targets, errors: true)
            errors = !found.isEmpty
        }
        let whole = found.first ?? SignatureSummary(signature: target)
        let view = try SignatureView(self, standings, [whole], since: nil, until: nil, now: now, errors: errors)
        return try view.overview(
            of: SignatureFigures(selected: whole, whole: whole), ended: try endedSessions(Selection()))
    }

    /// The overview of the signature of some crash, over the whole store.
    ///
    /// - Throws: as ``signatures(_:now:)`` does.
    func overview(ofCrashesWith signature: String, now: Int64) throws -> SignatureOverview {
        try overview(of: signature, try standings(), now: now)
    }
}
