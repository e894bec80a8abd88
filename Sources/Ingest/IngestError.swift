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
        /// The child crashed.
        public static let died = Code(rawValue: "ingest_died")
        /// The child computed, or waited for itself, without going on until its deadline, and was killed.
        public static let timedOut = Code(rawValue: "ingest_timed_out")
        /// What was read cannot be written as a pack, however often it is tried.
        public static let unpackable = Code(rawValue: "not_packable")
        /// Somebody else killed the child: mostly the kernel, when memory is short.
        public static let killed = Code(rawValue: "ingest_killed")
        /// The machine kept the child from going on until its time was up, or let it go on too slowly: stopped, waiting
        /// for a disk, no processor.
        public static let stalled = Code(rawValue: "ingest_stalled")
        /// The child ended by itself without an answer.
        public static let noAnswer = Code(rawValue: "ingest_no_answer")
        /// A barrier around the child could not be set up, and the configuration does not let it be missing.
        public static let unconfined = Code(rawValue: "unconfined")
        /// The disk is full.
        public static let noSpace = Code(rawValue: "no_space")
        /// The pack could not be written, for another reason than room.
        public static let packFailed = Code(rawValue: "pack_failed")
        /// A file that was to be ingested cannot be read.
        public static let unreadable = Code(rawValue: "unreadable")
        /// Something of this machine failed that may work later: open files, memory, a read of the disk. Nothing was
        /// changed, and nothing follows from it for the downloads.
        public static let localFault = Code(rawValue: "local_fault")
        /// The child wrote a pack that is not of the session it was asked for.
        public static let foreignPack = Code(rawValue: "foreign_pack")
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

    /// The barriers that could not be set up, where that is what failed.
    public var missing: [String] = []

    /// Collects the facts of a failure.
    public init(_ code: Code, _ message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// Whether what was read may be to blame. It is when the same happens twice with that one download alone, and a
    /// child with nothing to read gets through in between.
    var suspectsInput: Bool { [.died, .timedOut, .unpackable].contains(code) }

    /// Whether the fault may concern one download only, so that the others can go on without it. All other faults are
    /// the machine's: room, memory, descriptors, processes.
    var mayConcernOneFile: Bool { suspectsInput || [.killed, .stalled, .noAnswer, .unreadable].contains(code) }

    /// The message, and the file where it does not name it.
    public var description: String {
        guard let path, !message.contains(path) else { return message }
        return "\(message) (\(path))"
    }
}
