/// An error of a bucket or of the way to it.
public struct S3Error: Error, Sendable, Equatable, CustomStringConvertible {
    /// A machine-readable reason: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public var rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The server answered that there is no such object or bucket.
        public static let absent = Code(rawValue: "object_absent")
        /// The key is taken, and the request was not to replace it.
        public static let exists = Code(rawValue: "object_exists")
        /// The credentials are missing, not valid, or not allowed to do this.
        public static let denied = Code(rawValue: "bucket_denied")
        /// The bucket or the account has no room left.
        public static let full = Code(rawValue: "bucket_full")
        /// The server could not be reached, or asked to slow down, for longer than requests are retried.
        public static let unavailable = Code(rawValue: "bucket_unavailable")
        /// What arrived differs from what was sent or promised.
        public static let damaged = Code(rawValue: "object_damaged")
        /// The address, a setting or the file of credentials is not valid.
        public static let invalid = Code(rawValue: "bucket_invalid")
        /// A local file could not be read or written.
        public static let local = Code(rawValue: "local_file")
        /// Any other refusal of the server.
        public static let refused = Code(rawValue: "bucket_refused")
    }

    /// The machine-readable reason.
    public var code: Code
    /// What failed, for people, without credentials.
    public var message: String
    /// The object's key, or the bucket's address.
    public var key: String?
    /// The HTTP status, if the server answered.
    public var status: Int?
    /// The server's own word for the error, such as `SlowDown`, and its id for the request.
    public var identifier: String?
    /// What the user can do about it.
    public var hint: String?

    /// Creates an error.
    public init(
        _ code: Code, _ message: String, key: String? = nil, status: Int? = nil, identifier: String? = nil,
        hint: String? = nil
    ) {
        self.code = code
        self.message = message
        self.key = key
        self.status = status
        self.identifier = identifier
        self.hint = hint
    }

    /// The message with the key.
    public var description: String { key.map { "\(message) (\($0))" } ?? message }
}
