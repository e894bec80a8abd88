/// What stops the harvest or refuses a configuration, with enough context to act on it.
public struct HarvestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure; an open set, so that callers keep a default branch.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The stable name that `--json` prints as `code`.
        public let rawValue: String
        /// Makes a code from its stable name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The configuration file is missing, unreadable or says something that cannot be meant.
        public static let invalidConfiguration = Code(rawValue: "invalid_configuration")
        /// No API token was found in any of the places it may come from.
        public static let tokenMissing = Code(rawValue: "token_missing")
        /// The token file may be read by others than its owner, or holds no usable token.
        public static let tokenRefused = Code(rawValue: "token_refused")
        /// The token file may not be read by the user who runs salvage.
        public static let tokenUnreadable = Code(rawValue: "token_unreadable")
        /// Another copy of salvage works on this store.
        public static let storeLocked = Code(rawValue: "store_locked")
        /// The store cannot be read or written.
        public static let storeUnusable = Code(rawValue: "store_unusable")
        /// The API refused the token (401) or one of its scopes (403).
        public static let notAuthorised = Code(rawValue: "not_authorised")
        /// The API could not be reached or did not answer with a usable list.
        public static let apiUnavailable = Code(rawValue: "api_unavailable")
        /// The API refuses the request itself, which no later try changes.
        public static let apiRefused = Code(rawValue: "api_refused")
        /// This machine gives the process too little to work with: open files, threads, memory.
        public static let machineShort = Code(rawValue: "machine_short")
        /// The session asked for is not known to the API or the ledger.
        public static let unknownSession = Code(rawValue: "unknown_session")
    }

    /// What kind of failure this is.
    public var code: Code
    /// What failed and why, as one sentence.
    public var message: String
    /// The session concerned, where there is one.
    public var session: String?
    /// The file or container path concerned, where there is one.
    public var path: String?
    /// The HTTP status, where an answer of the API is the cause.
    public var status: Int?
    /// The API's trace identifier, to be quoted to its support.
    public var identifier: String?
    /// What to do about it.
    public var hint: String?

    /// Collects the facts of a failure.
    public init(
        _ code: Code, _ message: String, session: String? = nil, path: String? = nil, status: Int? = nil,
        identifier: String? = nil, hint: String? = nil
    ) {
        self.code = code
        self.message = message
        self.session = session
        self.path = path
        self.status = status
        self.identifier = identifier
        self.hint = hint
    }

    /// The message, and the hint on a line of its own.
    public var description: String {
        guard let hint else { return message }
        return "\(message)\n  hint: \(hint)"
    }
}
