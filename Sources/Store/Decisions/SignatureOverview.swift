public import Catalog
public import Model

/// A signature: the figures of the selection, what is true of the whole store, and what is decided.
public struct SignatureOverview: Sendable {
    /// Its short id: the first 12 hexadecimal digits of the SHA-256 of its text. Addresses use it.
    public let id: String
    /// The figures of the selected crashes, those of merged signatures included.
    public let selected: SignatureSummary
    /// The share of the selected sessions that have ended and crashed with it, from 0 to 1; nil without such sessions.
    public let share: Double?
    /// Its first crash in the whole store (ms since 1970).
    public let firstSeen: Int64
    /// Its last crash in the whole store (ms since 1970).
    public let lastSeen: Int64
    /// The earliest build that has it, by the order of builds, in the whole store.
    public let firstTag: String?
    /// The latest build that has it.
    public let lastTag: String?
    /// Its state.
    public let state: SignatureState
    /// What is decided about it.
    public let standing: SignatureStanding

    /// Creates an overview.
    public init(
        id: String, selected: SignatureSummary, share: Double?, firstSeen: Int64, lastSeen: Int64, firstTag: String?,
        lastTag: String?, state: SignatureState, standing: SignatureStanding
    ) {
        self.id = id
        self.selected = selected
        self.share = share
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.firstTag = firstTag
        self.lastTag = lastTag
        self.state = state
        self.standing = standing
    }

    /// Its text.
    public var signature: String { selected.signature }
}

/// A crash and whether it is worth a message.
public struct NovelCrash: Sendable {
    /// The crash.
    public let crash: StoredCrash
    /// Whether its signature is new or returned.
    public let novelty: CrashNovelty
    /// Its signature over the whole store.
    public let signature: SignatureOverview

    /// Creates it.
    public init(crash: StoredCrash, novelty: CrashNovelty, signature: SignatureOverview) {
        self.crash = crash
        self.novelty = novelty
        self.signature = signature
    }
}

/// One build: its sessions and crashes.
public struct BuildOverview: Sendable {
    /// The tag.
    public let tag: String
    /// The images that have it, sorted.
    public let images: [String]
    /// The end of its first session (ms since 1970).
    public let firstSeen: Int64
    /// The end of its last session.
    public let lastSeen: Int64
    /// Its sessions that have ended.
    public let sessions: Int
    /// Those of them that crashed.
    public let crashedSessions: Int
    /// Its crashes.
    public let crashes: Int
    /// Its signatures that no earlier build has.
    public let newSignatures: Int

    /// Creates it.
    public init(
        tag: String, images: [String], firstSeen: Int64, lastSeen: Int64, sessions: Int, crashedSessions: Int,
        crashes: Int, newSignatures: Int
    ) {
        self.tag = tag
        self.images = images
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.sessions = sessions
        self.crashedSessions = crashedSessions
        self.crashes = crashes
        self.newSignatures = newSignatures
    }
}
