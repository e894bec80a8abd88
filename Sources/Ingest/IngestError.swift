/// Why a spool could not be turned into a pack.
public struct IngestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The stable name that is printed and compared.
        public let rawValue: String
        /// A code by its name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The child could not be started.
        public static let spawn = Code(rawValue: "ingest_spawn")
        /// The child crashed or was killed.
        public static let died = Code(rawValue: "ingest_died")
        /// The child ran past its deadline and was killed.
        public static let timedOut = Code(rawValue: "ingest_timed_out")
        /// The disk is full.
        public static let noSpace = Code(rawValue: "no_space")
        /// The pack could not be written, for another reason than room.
        public static let packFailed = Code(rawValue: "pack_failed")
        /// A file that was to be ingested cannot be read.
        public static let unreadable = Code(rawValue: "unreadable")
        /// A redaction rule is no valid pattern.
        public static let badRule = Code(rawValue: "bad_redaction_rule")
        /// The child and its parent do not understand each other.
        public static let protocolMismatch = Code(rawValue: "ingest_protocol")
    }

    /// What kind of failure this is.
    public var code: Code
    /// What failed and why, as one sentence.
    public var message: String
    /// The file concerned, where there is one.
    public var path: String?

    /// Collects the facts of a failure.
    public init(_ code: Code, _ message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// The message.
    public var description: String { message }
}
