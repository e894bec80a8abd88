public import Catalog
import Clocks
import CrashAnalysis
import Live
public import Model
import Pack
import Text

/// What happened to one session.
public struct SessionReport: Sendable {
    /// The session's row.
    public let session: SessionRecord
    /// The ledger rows of its artifacts.
    public let artifacts: [ArtifactRecord]
    /// Its crashes, newest first, at most ``mostCrashes``; `session.crashes` counts all.
    public let crashes: [StoredCrash]
    /// The signature of its newest crash, over the whole store; nil without a crash.
    public let signature: SignatureOverview?
    /// Whether its log was followed and is not in a pack.
    public let isFollowed: Bool
    /// The crashes and errors in the followed log.
    public let followedCrashes: [CrashRecord]
    /// Why the followed log cannot be read; nil if it can or there is none.
    public let followedProblem: StoreError?
    /// The last lines of its log.
    public let log: LogTail

    /// The greatest number of crashes in a report.
    public static let mostCrashes = 10
}

/// What was requested and collected for one session, and why not more.
public struct SessionExplanation: Sendable {
    /// The session's row.
    public let session: SessionRecord
    /// The ledger rows of its artifacts.
    public let artifacts: [ArtifactRecord]
    /// The requests made for it, in order; only the newest are kept.
    public let requests: [RequestRecord]
    /// The number of earlier requests that are no longer kept.
    public let requestsDropped: Int

    /// The requests for one artifact.
    public func requests(for artifact: ArtifactRecord) -> [RequestRecord] {
        requests.filter { $0.artifact?.hasSameBytes(as: artifact.entry.artifact) == true }
    }

    /// The requests for the session itself, or for an artifact that the ledger does not have.
    public var otherRequests: [RequestRecord] {
        let known = ByteSet(artifacts.map(\.entry.artifact))
        return requests.filter { $0.artifact.map { !known.contains($0) } ?? true }
    }
}

extension Store {
    /// Calls `body` with each selected session: running ones first, then by end, newest first. `body` must not use this
    /// store.
    ///
    /// - Throws: `CatalogError`, or what the closure throws.
    public func forEachSession(_ selection: Selection = Selection(), _ body: (SessionRecord) throws -> Void) throws {
        try catalog().forEachSession(try resolved(selection), body)
    }

    /// The selected sessions, all in memory; for many, use ``forEachSession(_:_:)``.
    ///
    /// - Throws: `CatalogError`.
    public func sessions(_ selection: Selection = Selection()) throws(CatalogError) -> [SessionRecord] {
        try catalog().sessions(selection)
    }

    /// The row of the session that `id` names or abbreviates.
    ///
    /// - Throws: `CatalogError` if no session or several sessions have such an id; ``StoreError`` if it is gone again.
    public func session(named id: String) throws -> SessionRecord {
        let full = try catalog().resolve(id)
        guard let session = try catalog().session(full) else {
            throw StoreError(.sessionNotFound, "the session was removed just now", session: full, kind: .notFound)
        }
        return session
    }

    /// What happened to a session.
    ///
    /// - Parameters:
    ///   - id: the session's id or a unique prefix.
    ///   - logLines: the greatest number of log lines to return; 0 reads no log.
    /// - Throws: as ``session(named:)`` does. A log that cannot be read is part of the report.
    public func report(on id: String, logLines: Int) throws -> SessionReport {
        let session = try session(named: id)
        let catalog = try catalog()
        let crashes = try catalog.crashes(
            Selection(sessions: [session.session], limit: SessionReport.mostCrashes)
        ).map { StoredCrash($0) }
        var followed: [CrashRecord] = []
        var problem: StoreError?
        do throws(LiveFailure) { followed = try followedCrashes(of: session) } catch { problem = StoreError(error) }
        let isFollowed =
            try session.pack == nil && (problem != nil || LiveStore.isHeld(path, session: session.session))
        return SessionReport(
            session: session, artifacts: try catalog.artifacts(session.session), crashes: crashes,
            signature: try crashes.first.map { try overview(ofCrashesWith: $0.row.signature, now: WallClock.now()) },
            isFollowed: isFollowed, followedCrashes: followed, followedProblem: problem,
            log: logLines > 0 ? LogTail.read(session, in: self, lines: logLines) : .none)
    }

    /// Explains what was and was not collected from the session that `id` names or abbreviates.
    ///
    /// - Throws: as ``session(named:)`` does.
    public func explanation(of id: String) throws -> SessionExplanation {
        let session = try session(named: id)
        let catalog = try catalog()
        let requests = try catalog.requests(session.session)
        return SessionExplanation(
            session: session, artifacts: try catalog.artifacts(session.session), requests: requests,
            requestsDropped: max(0, try catalog.requestCount(session.session) - requests.count))
    }

    /// Calls `body` with each member of a session's pack, in pack order. `body` must not use this store.
    ///
    /// - Throws: `CatalogError`, or what the closure throws.
    public func forEachMember(of session: SessionRecord, _ body: (MemberRecord) throws -> Void) throws {
        try catalog().forEachMember(session.session, body)
    }
}
