public import Catalog
public import Pack
public import Text

/// What is to become, or to become part of, a session's pack.
public struct IngestRequest: Sendable {
    /// What is known of the session; `facts.session` is the ledger's name of the run.
    public var facts: SessionFacts
    /// The ledger's rows of all the session's artifacts; those with files are still `pending`.
    public var artifacts: [ArtifactEntry]
    /// The downloads. One artifact may have several, of which a later one is newer; none may be lost to a worse one.
    public var files: [SpooledFile]
    /// The pack of an earlier try, relative to the store, whose members must be in the new one too.
    public var earlierPack: String?

    /// Collects the parts.
    public init(facts: SessionFacts, artifacts: [ArtifactEntry], files: [SpooledFile], earlierPack: String? = nil) {
        self.facts = facts
        self.artifacts = artifacts
        self.files = files
        self.earlierPack = earlierPack
    }
}

/// What came of an ingest.
public struct IngestOutcome: Sendable {
    /// The published pack, synced and renamed, ready for its catalog transaction.
    public var contents: PackContents
    /// What each artifact that had files turned out to be.
    public var verdicts: ByteDictionary<IngestVerdict>
    /// Artifacts that this machine kept from being read, and why. Nothing of their files is in the pack; they stay in the
    /// spool and are tried again.
    public var waiting: ByteDictionary<String> = [:]
    /// Downloads that were proven to crash or stall their reader: where they lie now, and how it ended.
    public var quarantined: [(place: String, reason: String)] = []

    /// What was wrong with earlier packs of the session, in words; the damaged files lie aside.
    public var earlierDamage: [String] = []

    /// Pairs pack and verdicts.
    public init(contents: PackContents, verdicts: ByteDictionary<IngestVerdict>) {
        self.contents = contents
        self.verdicts = verdicts
    }
}

/// Turns downloads into a pack. The implementation isolates itself from what the bytes may do to it.
public protocol IngestService: Sendable {
    /// Makes, syncs and publishes the pack.
    ///
    /// - Throws: When no pack could be made. That is this machine's fault, whatever the error: the downloads stay in the
    ///   spool and are tried again. ``HarvestError`` with `storeUnusable` says that the disk has no room.
    func ingest(_ request: IngestRequest) async throws -> IngestOutcome
}
