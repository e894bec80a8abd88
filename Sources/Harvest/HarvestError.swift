/// An error of the harvest, with enough context to act on it.
public struct HarvestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure. An open set: callers need a default branch.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The stable name that `--json` prints as `code`.
        public let rawValue: String
        /// Makes a code from its stable name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// Another salvage process holds the lock of this store.
        public static let storeLocked = Code(rawValue: "store_locked")
        /// The store cannot be read or written.
        public static let storeUnusable = Code(rawValue: "store_unusable")
        /// The API refused the token (401) or one of its scopes (403).
        public static let notAuthorised = Code(rawValue: "not_authorised")
        /// The API could not be reached or did not return a usable list.
        public static let apiUnavailable = Code(rawValue: "api_unavailable")
        /// The API rejected the request; a retry cannot succeed.
        public static let apiRefused = Code(rawValue: "api_refused")
        /// The machine has too few resources for the process: open files, threads or memory.
        public static let machineShort = Code(rawValue: "machine_short")
        /// Neither the API nor the ledger knows the requested session.
        public static let unknownSession = Code(rawValue: "session_not_found")
        /// The address of the API is not one.
        public static let invalidAddress = Code(rawValue: "invalid_address")
        /// A run did not end in its time, because an operation could not be cancelled.
        public static let overdue = Code(rawValue: "overdue")
        /// A run did not end in its time, because another process holds the catalog.
        public static let catalogNotWritten = Code(rawValue: "catalog_not_written")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed and why, as one sentence.
    public var message: String
    /// The session concerned, if any.
    public var session: String?
    /// The file or container path concerned, if any.
    public var path: String?
    /// The HTTP status, if a response of the API is the cause.
    public var status: Int?
    /// The API's trace identifier, to quote to its support.
    public var identifier: String?
    /// What to do about it.
    public var hint: String?

    /// Makes an error.
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
