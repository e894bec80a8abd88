public import Pack

/// What one ingest is asked to do: which session, which downloads, within which limits.
///
/// The job crosses from the parent to the confined child as JSON; the files it speaks of cross as open descriptors, in
/// the same order, because the child can open nothing.
public struct IngestJob: Codable, Sendable, Equatable {
    /// How a download is to be read.
    public enum Form: String, Codable, Sendable {
        /// An archive as the API sends it; if it is none, the verdict says so.
        case archive
        /// One file as it is: it becomes one member under `name`.
        case file
        /// An archive if it is one, else one file. For files at hand, whose form nobody promised.
        case either
    }

    /// One download.
    public struct Input: Codable, Sendable, Equatable {
        /// Which of the job's artifacts it belongs to.
        public var artifact: Int
        /// How it is to be read.
        public var form: Form
        /// The member's path when it is kept as one file: raw bytes.
        public var name: [UInt8]
        /// The member's time of last change in nanoseconds since 1970, when it is kept as one file.
        public var modified: Int64
        /// Words for the ledger's row, beside those that the child finds.
        public var flags: [String]?

        /// A download of the artifact at an index.
        public init(artifact: Int, form: Form, name: [UInt8], modified: Int64 = 0) {
            self.artifact = artifact
            self.form = form
            self.name = name
            self.modified = modified
        }
    }

    /// What is known of the session.
    public var session: SessionFacts
    /// The ledger rows that go into the pack; the child fills in verdict and flags of those it unpacks.
    public var artifacts: [ArtifactEntry]
    /// The downloads, in the order of their descriptors.
    public var inputs: [Input]
    /// Whether a pack of this session exists already, whose members are kept (its descriptor is passed too).
    public var hasPrevious: Bool
    /// More packs of this session whose members are kept; their descriptors follow those of the inputs.
    public var furtherPrevious = 0
    /// Earlier packs of this session that cannot be opened as packs: they are set aside, and the ledger says so.
    public var unreadablePrevious = 0
    /// Where the pack will lie, relative to the store. The record of its filters then follows it in its file, for the
    /// parent to take away; nil: filters go into the pack.
    public var path: String?
    /// Whether a scratch file is passed, for what is looked at and not stored.
    public var hasScratch = false
    /// Whether a file is passed in which the table of members waits while it grows.
    public var hasTables = false
    /// Whether nothing is to be packed, but every barrier tried: see ``IngestProcess/probe()``.
    public var isProbe = false
    /// Whether the child is to say how much memory it took.
    public var measuresMemory = false
    /// What must not be stored of texts; empty: all is stored as it came.
    public var redactions: [RedactionRule] = []
    /// Bounds on what an archive may make the child do.
    public var limits: IngestLimits
    /// How long the child may take while it goes on, in milliseconds, which bounds its processor time; absent: as long as
    /// the limits say.
    public var milliseconds: Int64?
    /// Threads that compress; 0 means one a core.
    public var workers: Int

    /// A job.
    public init(
        session: SessionFacts, artifacts: [ArtifactEntry], inputs: [Input], hasPrevious: Bool = false,
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

/// Bounds of one ingest, or of another reading in a confined child. Absent ones keep their defaults, which the README lists.
public struct IngestLimits: Codable, Sendable, Equatable {
    /// Bytes of tar headers between two members.
    public var headerBytes: UInt64?
    /// Members of one artifact.
    public var entries: UInt64?
    /// Logical bytes of one member.
    public var entryBytes: UInt64?
    /// Stored bytes of one artifact, all members together.
    public var totalBytes: UInt64?
    /// Data runs of one sparse member.
    public var sparseExtents: UInt64?
    /// Bytes that the compressed logs of one artifact may expand to; 0: none is looked into.
    public var expandedBytes: UInt64?
    /// How long the child of an ingest may go without reading or writing anything, and how long any other may take, in
    /// milliseconds.
    public var milliseconds: Int64
    /// Writable memory of the child, in bytes.
    public var memoryBytes: UInt64
    /// Names of barriers without which the child reads all the same; see ``Barriers``. Absent: none.
    public var allowMissing: [String]?

    /// The defaults: five minutes and 1 GiB of memory.
    public init() {
        milliseconds = 300_000
        memoryBytes = 1 << 30
    }

    /// What the compressed logs of one artifact may expand to, with the default where nothing was configured.
    var expandedForArtifact: UInt64 { expandedBytes ?? 2 << 30 }
}

/// What became of one artifact in the pack.
public struct ArtifactVerdict: Codable, Sendable, Equatable {
    /// Which of the job's artifacts it is.
    public var artifact: Int
    /// `ok`, `incomplete`, `corrupt` or `not_an_archive`.
    public var verdict: String
    /// What was remarkable: `trailing_data`, `plain_tar`, `limit` and so on.
    public var flags: [String]
    /// Members that were kept.
    public var entries: UInt64
    /// Their bytes.
    public var bytes: UInt64
    /// The first thing that went wrong, in words.
    public var firstError: String?
    /// The first bytes of what is not an archive, escaped.
    public var head: String?

    /// A verdict; faults are added to it.
    public init(
        artifact: Int, verdict: String, flags: [String], entries: UInt64, bytes: UInt64, firstError: String? = nil
    ) {
        self.artifact = artifact
        self.verdict = verdict
        self.flags = flags
        self.entries = entries
        self.bytes = bytes
        self.firstError = firstError
    }
}

/// What was wrong with an earlier pack of the session.
public struct EarlierDamage: Codable, Sendable, Equatable {
    /// What was found, each in a sentence.
    public var problems: [String] = []
    /// Not all that it holds could be taken over: it must be kept.
    public var isCut = false

    /// Nothing is wrong.
    public var isSound: Bool { problems.isEmpty && !isCut }

    /// The flag of the ledger's rows that it concerns.
    public static let flag = "earlier_pack_damaged"
}

/// The child's answer.
public struct IngestAnswer: Codable, Sendable, Equatable {
    /// One for each input, in order.
    public var verdicts: [ArtifactVerdict] = []
    /// How many crash records the pack holds.
    public var crashes = 0
    /// Members in the pack, those of earlier generations included.
    public var members = 0
    /// Size of the pack in bytes. What follows it in its file is the record of its filters.
    public var packBytes: UInt64 = 0
    /// For each earlier pack that was passed, in order, what was wrong with it.
    public var earlier: [EarlierDamage] = []
    /// Which barriers confined the child.
    public var barriers: [String] = []
    /// The most memory that the child held, in bytes, where the job asks for it.
    public var peakBytes: UInt64?
    /// For a probe: which forbidden acts were tried, and whether each was refused.
    public var probes: [String: Bool] = [:]
    /// Why there is no pack: a code of ``IngestError`` and a sentence.
    public var error: String?
    /// The code that belongs to `error`.
    public var errorCode: String?
    /// The barriers that could not be set up, where that is the error.
    public var missing: [String]?
}
