public import Catalog
public import Model
import Pack
public import Text

/// The downloads to pack, with all that the pack must record of their session.
public struct IngestRequest: Sendable {
    /// The session's metadata; `facts.session` is the ledger's key of the run.
    public var facts: SessionMetadata
    /// The ledger's rows of all the session's artifacts; those with files are still `pending`.
    public var artifacts: [ArtifactEntry]
    /// The downloads. One artifact may have several, older ones first; a better one must not be lost to a worse one.
    public var files: [SpooledFile]
    /// The session's earlier pack, relative to the store; its members must be in the new one, too.
    public var earlierPack: String?
    /// The number of the claim on the session under which it is packed; 0 where sessions are not claimed.
    public var epoch: UInt64

    /// Makes a request.
    public init(
        facts: SessionMetadata, artifacts: [ArtifactEntry], files: [SpooledFile], earlierPack: String? = nil,
        epoch: UInt64 = 0
    ) {
        self.facts = facts
        self.artifacts = artifacts
        self.files = files
        self.earlierPack = earlierPack
        self.epoch = epoch
    }
}

/// The result of an ingest.
public struct IngestOutcome: Sendable {
    /// The contents of the published pack, which is synced, renamed and ready for its catalog transaction. The rows of
    /// artifacts whose files were packed have the state and reason that these files deserve.
    public var contents: PackContents
    /// Artifacts that could not be read because of a local failure, with the reason. Their files are not in the pack;
    /// they stay in the spool and are tried again.
    public var waiting: ByteDictionary<String> = [:]
    /// Downloads that were proven to crash or stall their reader: their path in the store, and how the reader ended.
    public var quarantined: [(place: String, reason: String)] = []

    /// Descriptions of damage in the session's earlier packs; the damaged files were moved aside.
    public var earlierDamage: [String] = []
    /// The session's earlier packs, relative to the store, that become garbage once the new one is committed; none where
    /// the new one has replaced them.
    public var superseded: [String] = []
    /// The record of the pack's filters, for packs in a bucket; see ``PackedSession/filters``.
    public var filters: [UInt8]?

    /// Makes an outcome.
    public init(contents: PackContents) { self.contents = contents }
}
