public import Catalog
import Clocks
import CrashAnalysis
public import JSON
import Live
public import Model
import Pack
public import Terminal
import Text

/// What happened to one session.
public struct SessionReport: Sendable {
    /// The session's row.
    public let session: SessionRecord
    /// The ledger rows of its artifacts.
    public let artifacts: [ArtifactRecord]
    /// Its crashes, newest first, at most ``mostCrashes``; `session.crashes` counts all.
    public let crashes: [StoredCrash]
    /// The signature of its newest crash over the whole store, with what is decided about it; nil without a crash.
    public let signature: SignatureOverview?
    /// Whether its log was followed and is not in a pack.
    public let isFollowed: Bool
    /// The crashes and errors in the followed log.
    public let followedCrashes: [CrashRecord]
    /// Why the followed log cannot be read; nil if it can or there is none.
    public let followedProblem: StoreError?
    /// The last lines of its log.
    public let log: LogTail
    /// What happened to its crashes at services outside.
    public let exports: SessionExports
    /// When this was asked, in milliseconds since 1970.
    public let now: Int64

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
    /// What happened to its crashes at services outside.
    public let exports: SessionExports
    /// When this was asked, in milliseconds since 1970.
    public let now: Int64

    /// The requests for one artifact.
    public func requests(for artifact: ArtifactRecord) -> [RequestRecord] {
        requests.filter { $0.artifact?.hasSameBytes(as: artifact.entry.artifact) == true }
    }

    /// The requests for the session itself, or for an artifact that the ledger does not have.
    public var otherRequests: [RequestRecord] {
        let known = ByteSet(artifacts.map(\.entry.artifact))
        return requests.filter { $0.artifact.map { !known.contains($0) } ?? true }
    }

    /// Its artifacts, each with the requests for it.
    public var explainedArtifacts: [ExplainedArtifact] {
        artifacts.map {
            ExplainedArtifact(artifact: $0, requests: requests(for: $0), deadline: session.deadline, now: now)
        }
    }

    /// Its JSON objects: one for the session, then one for each artifact.
    public var lines: [JSONLine] {
        [Shapes.explanation.line(self)] + explainedArtifacts.map { Shapes.explainedArtifact.line($0) }
    }
}

/// One artifact of a session, with what explains its state.
public struct ExplainedArtifact: Sendable {
    /// The ledger's row.
    public let artifact: ArtifactRecord
    /// The requests for it, in order.
    public let requests: [RequestRecord]
    /// When the container is expected to be gone.
    public let deadline: Int64?
    /// When this was asked, in milliseconds since 1970.
    public let now: Int64
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
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func sessions(_ selection: Selection = Selection()) throws -> [SessionRecord] {
        try catalog().sessions(try resolved(selection))
    }

    /// The session that `name` means: by its id or a unique prefix, or by the id or a unique prefix of one of its crashes.
    ///
    /// - Throws: `CatalogError` if no session or crash has such an id, or several have; it names what the name may mean.
    public func session(named name: String) throws -> SessionRecord {
        do throws(CatalogError) { return try catalog().session(named: name) } catch {
            // A crash in a followed log is not in the catalog yet.
            guard error.code == .unknownSession, !name.isEmpty,
                let session = try followedCrashes(named: name).first?.session,
                let record = try catalog().session(session)
            else { throw error }
            return record
        }
    }

    /// The session that a command without an argument is about: the last that crashed, else the latest; nil in an empty
    /// store.
    ///
    /// - Throws: `CatalogError`.
    public func latestSession() throws(CatalogError) -> SessionRecord? {
        let catalog = try catalog()
        if let crash = try catalog.crashes(Selection(limit: 1)).first { return try catalog.session(crash.session) }
        return try catalog.sessions(Selection(limit: 1)).first
    }

    /// What happened to a session.
    ///
    /// - Parameters:
    ///   - id: a name as for ``session(named:)``.
    ///   - logLines: the greatest number of log lines to return; 0 reads no log.
    ///   - now: the current time, in milliseconds since 1970.
    /// - Throws: as ``session(named:)`` does. A log that cannot be read is part of the report.
    public func report(on id: String, logLines: Int, now: Int64 = TimeText.now()) throws -> SessionReport {
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
            signature: try crashes.first.map { try overview(ofCrashesWith: $0.row.signature, now: now) },
            isFollowed: isFollowed, followedCrashes: followed, followedProblem: problem,
            log: logLines > 0 ? LogTail.read(session, in: self, lines: logLines) : .none,
            exports: exports(of: session.session), now: now)
    }

    /// Explains what was and was not collected from the session that `id` names or abbreviates.
    ///
    /// - Parameters:
    ///   - id: a name as for ``session(named:)``.
    ///   - now: the current time, in milliseconds since 1970.
    /// - Throws: as ``session(named:)`` does.
    public func explanation(of id: String, now: Int64 = TimeText.now()) throws -> SessionExplanation {
        let session = try session(named: id)
        let catalog = try catalog()
        let requests = try catalog.requests(session.session)
        return SessionExplanation(
            session: session, artifacts: try catalog.artifacts(session.session), requests: requests,
            requestsDropped: max(0, try catalog.requestCount(session.session) - requests.count),
            exports: exports(of: session.session), now: now)
    }

    /// Calls `body` with each member of a session's pack, in pack order. `body` must not use this store.
    ///
    /// - Throws: `CatalogError`, or what the closure throws; for a shared store, whose members are listed from the pack,
    ///   ``StoreError`` if it cannot be read.
    public func forEachMember(of session: SessionRecord, _ body: (MemberRecord) throws -> Void) throws {
        try PackMembers.forEach(of: session, in: self, body)
    }
}
