import Calendar
import Catalog
import Clocks
import Harvest
public import Ingest
import Model
import Pack
import PackHome
public import SalvageConfiguration

/// The result of ingesting the files of one session.
public struct IngestReport: Sendable {
    /// A file, and the verdict on it.
    public struct Judged: Sendable {
        /// The file as it was named.
        public let file: String
        /// What it is and what could be read.
        public let verdict: ArtifactVerdict
    }

    /// A file that was not ingested because of a fault of this machine.
    public struct Waiting: Sendable {
        /// The file as it was named.
        public let file: String?
        /// What failed.
        public let reason: String
    }

    /// The session's id.
    public let session: String
    /// The pack, relative to the store.
    public let pack: String
    /// The number of members in the whole pack.
    public let members: Int
    /// The number of crashes in the whole pack.
    public let crashes: Int
    /// The files that were read, in the order given.
    public let judged: [Judged]
    /// What could not be read of folders, one sentence each; the rest is in the pack.
    public let unread: [String]
    /// The files that crashed or stalled their reader.
    public let quarantined: [QuarantinedFile]
    /// The damage in earlier packs of the session, one sentence each.
    public let earlierDamage: [String]
    /// The files to ingest again.
    public let waiting: [Waiting]

    init(_ session: String, _ packed: PackedSession, _ intake: Intake) {
        self.session = session
        pack = packed.pack
        members = packed.members
        crashes = packed.crashes
        judged = packed.verdicts.compactMap { verdict in
            guard intake.names.indices.contains(verdict.artifact) else { return nil }
            return Judged(file: intake.names[verdict.artifact], verdict: verdict)
        }
        unread = intake.unread
        quarantined = packed.quarantined
        earlierDamage = packed.earlierDamage
        waiting = packed.waiting.sorted { $0.key < $1.key }.map { artifact, reason in
            Waiting(file: intake.names.indices.contains(artifact) ? intake.names[artifact] : nil, reason: reason)
        }
    }

    /// Whether everything was read completely and nothing in the session's pack is damaged.
    public var isWhole: Bool {
        quarantined.isEmpty && waiting.isEmpty && earlierDamage.isEmpty && unread.isEmpty
            && judged.allSatisfy { $0.verdict.verdict == .ok }
    }
}

extension Store {
    /// Packs local files as a session and enters the pack in the catalog. If the session has a pack, the new one contains
    /// all of it and replaces it.
    ///
    /// - Parameters:
    ///   - files: archives, which are unpacked, folders, and other files, each of which becomes a member.
    ///   - session: the session's id.
    ///   - metadata: what is given about the session.
    ///   - configuration: has limits, redaction rules and signature rules, which apply as in a harvest.
    /// - Throws: ``StoreError`` for a file that cannot be read or a session that the API created at another time;
    ///   `IngestError`, `PackError` or `CatalogError`.
    public func ingest(
        _ files: [String], as session: String, _ metadata: IngestMetadata, by configuration: Configuration
    ) throws -> IngestReport {
        // No session's file name there has a ~, so this cannot be a session's unfinished pack.
        try ingest(as: session, metadata, by: configuration) {
            try Intake(files: files, scratch: path + "/spool/.new/folder~")
        }
    }

    /// Packs what `take` makes ready as a session, as ``ingest(_:as:_:by:)`` does.
    func ingest(
        as session: String, _ metadata: IngestMetadata, by configuration: Configuration, _ take: () throws -> Intake
    ) throws -> IngestReport {
        let catalog = try catalog()
        let known = try catalog.session(session)
        if let told = known?.created, known?.source == "harvest", let given = metadata.created,
            abs(told &- given) >= 2000
        {
            throw StoreError(
                .createdDiffers,
                "the API says that the session was created at \(ISO8601.text(clamping: told)), which cannot be changed",
                session: session,
                hint: "omit --created (or `created` in \(IngestMetadata.fileName)), or choose another session id",
                kind: .invalid)
        }
        let intake = try take()
        defer { intake.discard() }
        let claim = try claimByHand(session)
        defer { claim?.end() }
        let current = claim == nil ? known : try catalog.session(session)
        let earlier = try presentFacts(current?.pack)
        let facts = metadata.facts(session, known: current, earlier: earlier)
        let packed = try StoreIngest(
            store: path, home: home, configuration: configuration, symbols: try symbolOrigin()
        ).pack(
            session: facts, artifacts: intake.artifacts, files: intake.files,
            earlier: try catalog.session(session)?.pack, epoch: UInt64(clamping: claim?.fence.epoch ?? 0),
            keepsLock: true)
        let source = PackSource.ingest(intake.artifacts.map(\.artifact))
        if let claim {
            try commit(packed, from: source, under: claim)
        } else {
            try catalog.commit(packed.contents, from: source)
        }
        packed.lock?.release()
        return IngestReport(session, packed, intake)
    }

    /// Records a pack of a shared store, and publishes its filters.
    private func commit(_ packed: PackedSession, from source: PackSource, under claim: HandClaim) throws {
        do throws(CatalogError) {
            try catalog().commit(
                [packed.contents], from: source, fence: claim.fence, superseded: packed.superseded)
        } catch {
            guard error.code == .leaseLost else { throw error }
            throw claim.loss
        }
        guard let record = packed.filters else { return }
        // If it fails, searches read the pack until the upkeep has written its filters.
        guard let publisher = try? filterPublisher(maker: harvesterID()) else { return }
        publisher.add(packed.pack, record: record, now: WallClock.now())
        try? publisher.writeIfDue(now: WallClock.now(), isLast: true)
    }

    /// The facts in a session's present pack; nil if there is none, or if it is damaged, which the ingest reports.
    private func presentFacts(_ pack: String?) throws(PackError) -> SessionMetadata? {
        guard let pack else { return nil }
        do throws(PackError) { return try home.reader(for: pack).session() } catch {
            // Facts that cannot be read now must not be missing from the next pack.
            guard error.isLocalFault else { return nil }
            throw error
        }
    }

    /// Whether an error of ``ingest(_:as:_:by:)`` would end the ingest of every other session too.
    public static func endsEveryIngest(_ error: any Error) -> Bool {
        switch error {
        case let error as CatalogError: error.code != .unknownSession
        case let error as IngestError: error.code == .noSpace || error.code == .spawn
        case let error as PackError: error.code == .noSpace
        default: false
        }
    }
}
