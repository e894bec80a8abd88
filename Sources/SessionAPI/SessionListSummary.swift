/// Why a session list could not be read to its end.
public struct SessionListError: Error, Sendable, Equatable {
    /// What is wrong. Open: more may be told apart later.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's word.
        public var rawValue: String
        /// A code by its word.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The bytes are not JSON.
        public static let malformed = Code(rawValue: "malformed")
        /// The bytes are JSON up to where they end, too early.
        public static let truncated = Code(rawValue: "truncated")
        /// There is no array `sessions`.
        public static let noSessions = Code(rawValue: "no_sessions")
        /// One value is larger than the decoder keeps.
        public static let tooLarge = Code(rawValue: "too_large")
        /// The bytes are a page of HTML or XML.
        public static let markup = Code(rawValue: "markup")
    }

    /// What is wrong.
    public var code: Code
    /// Where, in bytes from the beginning of the list.
    public var offset: Int64
    /// What is wrong, in words.
    public var message: String

    /// An error from its parts.
    public init(code: Code, offset: Int64, message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }
}

/// How far a list was read as a stream, and what was wrong with it.
public struct SessionListSummary: Sendable, Equatable {
    /// Entries that were handed over.
    public var entries = 0
    /// Entries that were left out because they cannot be read or carry no usable id.
    public var rejected = 0
    /// Entries that were handed over with replaced characters or without a value that is none.
    public var mended = 0
    /// The first entries that were left out or mended, in the list's order; at most ``damagedKept``.
    public var damaged: [DamagedEntry] = []
    /// Size of the list in bytes.
    public var bytes: Int64 = 0

    /// The bound on ``damaged``.
    public static let damagedKept = 64

    /// A summary from its parts; of nothing where none is given.
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
