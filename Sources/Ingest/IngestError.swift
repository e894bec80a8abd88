import Pack

/// An error of an ingest or of another confined reader.
public struct IngestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure. An open set: later versions may add codes.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The stable name that is printed and compared.
        public let rawValue: String
        /// Makes a code from its stable name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The child could not be started.
        public static let spawn = Code(rawValue: "ingest_spawn")
        /// The child crashed.
        public static let died = Code(rawValue: "ingest_died")
        /// The child computed or blocked on itself, without progress, until its deadline, and was killed.
        public static let timedOut = Code(rawValue: "ingest_timed_out")
        /// The input can never be written as a pack, such as one beyond the format's limits.
        public static let unpackable = Code(rawValue: "not_packable")
        /// Another process or the kernel killed the child, mostly for lack of memory.
        public static let killed = Code(rawValue: "ingest_killed")
        /// The machine kept the child from finishing in time: it was stopped, waited for a disk, or got too little
        /// processor time.
        public static let stalled = Code(rawValue: "ingest_stalled")
        /// The child exited without an answer.
        public static let noAnswer = Code(rawValue: "ingest_no_answer")
        /// A barrier that the configuration requires could not be set up around the child.
        public static let unconfined = Code(rawValue: "unconfined")
        /// The disk is full.
        public static let noSpace = Code(rawValue: "no_space")
        /// The pack could not be written, for another reason than a full disk.
        public static let packFailed = Code(rawValue: "pack_failed")
        /// An input file cannot be read.
        public static let unreadable = Code(rawValue: "unreadable")
        /// A local failure that may pass: open files, memory, a disk read. Nothing was changed, and it says nothing
        /// about the downloads.
        public static let localFault = Code(rawValue: "local_fault")
        /// The child wrote a pack that does not match its job: another session, or members are missing.
        public static let foreignPack = Code(rawValue: "foreign_pack")
        /// A redaction rule has an invalid pattern.
        public static let badRule = Code(rawValue: "bad_redaction_rule")
        /// The child and its parent do not understand each other.
        public static let protocolMismatch = Code(rawValue: "ingest_protocol")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed and why, as one sentence.
    public var message: String
    /// The file concerned, if any.
    public var path: String?

    /// What to do about it, if the cause is outside of this machine, such as a bucket.
    public var hint: String?
    /// The code of the error that is the cause, if that is outside of this machine.
    public var cause: String?
    /// The barriers that could not be set up, if that is the failure.
    public var missing: [String] = []

    /// Makes an error.
    public init(_ code: Code, _ message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// Makes an error of one about a pack, with its hint and its cause.
    init(_ code: Code, _ message: String, path: String?, of error: PackError) {
        self.init(code, message, path: path)
        hint = error.hint
        cause = error.cause
    }

    /// Whether the input may be the cause. That is proven when one download alone fails like this twice, and a child
    /// without input succeeds in between.
    var suspectsInput: Bool { [.died, .timedOut, .unpackable].contains(code) }

    /// Whether the failure may concern one download only, so that the others can continue without it. All other
    /// failures are local: disk space, memory, descriptors, processes.
    var mayConcernOneFile: Bool { suspectsInput || [.killed, .stalled, .noAnswer, .unreadable].contains(code) }

    /// The message, and the file unless the message contains it.
    public var description: String {
        guard let path, !message.contains(path) else { return message }
        return "\(message) (\(path))"
    }
}
