public import Catalog
public import Pack

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
    public var verdicts: [String: IngestVerdict]

    /// Pairs the two.
    public init(contents: PackContents, verdicts: [String: IngestVerdict]) {
        self.contents = contents
        self.verdicts = verdicts
    }
}

/// Turns downloads into a pack. The implementation isolates itself from what the bytes may do to it.
public protocol IngestService: Sendable {
    /// Makes, syncs and publishes the pack.
    ///
    /// - Throws: ``HarvestError`` with `storeUnusable` when it is worth trying again, such as on a full disk; any other
    ///   error puts the session's downloads into quarantine.
    func ingest(_ request: IngestRequest) async throws -> IngestOutcome
}
