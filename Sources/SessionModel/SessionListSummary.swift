/// Why a session list could not be decoded.
public struct SessionListError: Error, Sendable, Equatable {
    /// What is wrong. An open set: later versions may add codes.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public var rawValue: String
        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The bytes are not JSON.
        public static let malformed = Code(rawValue: "malformed")
        /// The bytes are JSON but end too early.
        public static let truncated = Code(rawValue: "truncated")
        /// There is no array `sessions`.
        public static let noSessions = Code(rawValue: "no_sessions")
        /// One value is larger than the decoder buffers.
        public static let tooLarge = Code(rawValue: "too_large")
        /// The bytes are HTML or XML.
        public static let markup = Code(rawValue: "markup")
    }

    /// What is wrong.
    public var code: Code
    /// Where, in bytes from the start of the list.
    public var offset: Int64
    /// What is wrong, in words.
    public var message: String

    /// Creates an error.
    public init(code: Code, offset: Int64, message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }
}

/// The result of decoding a list as a stream, and what was wrong with it.
public struct SessionListSummary: Sendable, Equatable {
    /// Number of entries passed on.
    public var entries = 0
    /// Number of entries left out because they cannot be decoded or have no usable id.
    public var rejected = 0
    /// Number of entries passed on after a repair: with replaced characters or without an invalid value.
    public var mended = 0
    /// The first entries that were left out or repaired, in the list's order; at most ``damagedKept``.
    public var damaged: [DamagedEntry] = []
    /// Size of the list in bytes.
    public var bytes: Int64 = 0

    /// Most entries in ``damaged``.
    public static let damagedKept = 64

    /// Creates a summary.
    public init(
        entries: Int = 0, rejected: Int = 0, mended: Int = 0, damaged: [DamagedEntry] = [], bytes: Int64 = 0
    ) {
        self.entries = entries
        self.rejected = rejected
        self.mended = mended
        self.damaged = damaged
        self.bytes = bytes
    }
}
