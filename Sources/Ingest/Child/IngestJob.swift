public import Model

/// The job of one ingest: the session, its downloads and the limits.
///
/// The parent passes the job to the confined child as JSON, and the files as open descriptors in the same order,
/// because the child cannot open any file.
public struct IngestJob: Codable, Sendable, Equatable {
    /// How to read a download.
    public enum Form: String, Codable, Sendable {
        /// An archive as the API sends it; anything else gets the verdict `not_an_archive`.
        case archive
        /// A single file, stored as one member under `name`.
        case file
        /// An archive if it is one, otherwise a single file. For local files of unknown form.
        case either
    }

    /// One download.
    public struct Input: Codable, Sendable, Equatable {
        /// The index of its artifact in the job.
        public var artifact: Int
        /// How to read it.
        public var form: Form
        /// The member's path when it is stored as a single file: raw bytes.
        public var name: [UInt8]
        /// The member's modification time in nanoseconds since 1970, when it is stored as a single file.
        public var modified: Int64
        /// Whether the download was cut off, so that the artifact is incomplete even if its content looks whole.
        public var isCut = false
        /// Flags for the ledger's row, in addition to those that the child finds.
        public var flags: [String]?

        /// Makes a download of the artifact at an index.
        public init(artifact: Int, form: Form, name: [UInt8], modified: Int64 = 0) {
            self.artifact = artifact
            self.form = form
            self.name = name
            self.modified = modified
        }
    }

    /// The session's metadata.
    public var session: SessionMetadata
    /// The ledger rows for the pack; the child fills in verdict and flags of those it unpacks.
    public var artifacts: [ArtifactEntry]
    /// The downloads, in the order of their descriptors.
    public var inputs: [Input]
    /// Whether the session already has a pack, whose members are kept; its descriptor is passed, too.
    public var hasPrevious: Bool
    /// The number of further packs of this session whose members are kept; their descriptors follow the inputs.
    public var furtherPrevious = 0
    /// The number of earlier packs of this session that cannot be opened: they are set aside, and the ledger says so.
    public var unreadablePrevious = 0
    /// The pack's future path, relative to the store. If set, a file is passed for the record of the pack's filters,
    /// which names the path; if nil, the filters go into the pack.
    public var path: String?
    /// Whether a scratch file is passed, for content that is analysed but not stored.
    public var hasScratch = false
    /// Whether a file is passed for the growing table of members.
    public var hasTables = false
    /// Whether to pack nothing and try every barrier instead: see ``IngestProcess/probe()``.
    public var isProbe = false
    /// Whether the child reports its peak memory.
    public var measuresMemory = false
    /// The redaction rules; without any, text is stored unchanged.
    public var redactions: [RedactionRule] = []
    /// The limits on what an archive may make the child do.
    public var limits: IngestLimits
    /// How long the child may take while it makes progress, in milliseconds, which bounds its processor time; nil for
    /// the time in `limits`.
    public var milliseconds: Int64?
    /// The number of compressing threads; 0 means one per core.
    public var workers: Int

    /// Makes a job.
    public init(
        session: SessionMetadata, artifacts: [ArtifactEntry], inputs: [Input], hasPrevious: Bool = false,
        limits: IngestLimits = IngestLimits(), workers: Int = 0
    ) {
        self.session = session
        self.artifacts = artifacts
        self.inputs = inputs
        self.hasPrevious = hasPrevious
        self.limits = limits
        self.workers = workers
    }
}

extension IngestJob {
    /// The child's descriptors of earlier packs.
    var previousSlots: [Int32] {
        guard hasPrevious else { return [] }
        let first = IngestProcess.Slot.firstInput + Int32(clamping: inputs.count)
        return [IngestProcess.Slot.previous] + (0..<Int32(clamping: furtherPrevious)).map { first + $0 }
    }
}

extension ArtifactEntry {
    /// Adds a flag once.
    mutating func flag(_ name: String) { if !flags.contains(name) { flags.append(name) } }
}

/// The bounds of one confined child: on what it unpacks, its time and its memory.
public struct IngestLimits: Codable, Sendable, Equatable {
    /// The limits on one archive, and on the child's time.
    public var unpack = UnpackLimits()
    /// Writable memory of the child, in bytes.
    public var memoryBytes: UInt64 = 1 << 30
    /// The names of barriers that may be missing; see ``Barriers``.
    public var allowMissing: [String] = []

    /// Makes the defaults: five minutes and 1 GiB of memory.
    public init() {}
}

/// The verdict on one download.
public struct ArtifactVerdict: Codable, Sendable, Equatable {
    /// The index of its artifact in the job.
    public var artifact: Int
    /// What the download turned out to be.
    public var verdict: ArchiveVerdict
    /// Observations such as `trailing_data`, `plain_tar` or `limit`.
    public var flags: [String]
    /// The number of members kept.
    public var entries: UInt64
    /// The size of these members in bytes.
    public var bytes: UInt64
    /// The first error, as text.
    public var firstError: String?
    /// The first bytes of a download that is not an archive, escaped.
    public var head: String?
    /// Whether the download was cut off; the parent knows from its spool.
    var isCut = false

    /// Makes a verdict from its fields.
    public init(
        artifact: Int, verdict: ArchiveVerdict, flags: [String], entries: UInt64, bytes: UInt64,
        firstError: String? = nil
    ) {
        self.artifact = artifact
        self.verdict = verdict
        self.flags = flags
        self.entries = entries
        self.bytes = bytes
        self.firstError = firstError
    }
}

/// The damage in an earlier pack of the session.
public struct EarlierDamage: Codable, Sendable, Equatable {
    /// The problems found, one phrase each.
    public var problems: [String] = []
    /// Whether some of its content could not be carried over, so that the pack must be kept.
    public var isCut = false

    /// Whether there is no damage.
    public var isSound: Bool { problems.isEmpty && !isCut }

    /// The flag for the ledger rows concerned.
    public static let flag = "earlier_pack_damaged"
}

/// The child's answer.
public struct IngestAnswer: Codable, Sendable, Equatable {
    /// The verdict on each input, in order.
    public var verdicts: [ArtifactVerdict] = []
    /// The number of crash records in the pack.
    public var crashes = 0
    /// The number of members in the pack, those of earlier generations included.
    public var members = 0
    /// The size of the pack in bytes.
    public var packBytes: UInt64 = 0
    /// The damage in each earlier pack that was passed, in order.
    public var earlier: [EarlierDamage] = []
    /// The barriers that confined the child.
    public var barriers: [String] = []
    /// The child's peak memory in bytes, if the job asks for it.
    public var peakBytes: UInt64?
    /// For a probe: the forbidden actions tried, and whether each was refused.
    public var probes: [String: Bool] = [:]
    /// Why there is no pack, as one sentence.
    public var error: String?
    /// The ``IngestError`` code of `error`.
    public var errorCode: String?
    /// The barriers that could not be set up, if that is the error.
    public var missing: [String]?
}
