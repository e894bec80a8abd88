/// What was found out about a bucket, its server and the keys.
public struct S3Examination: Sendable, Equatable {
    /// How much attention a fact needs.
    public enum Grade: String, Sendable {
        /// All is well.
        case ok
        /// Worth knowing.
        case note
        /// Something will fail, or is lost, if nothing is done.
        case warning
        /// Something is broken.
        case failure
    }

    /// One thing that was tried.
    public struct Fact: Sendable, Equatable {
        /// The name of the check, such as `bucket_list`.
        public var name: String
        /// How much attention it needs.
        public var grade: Grade
        /// What was found and what it means.
        public var message: String
        /// What to do about it, if anything.
        public var hint: String?

        /// Creates a fact.
        public init(_ name: String, _ grade: Grade, _ message: String, hint: String? = nil) {
            self.name = name
            self.grade = grade
            self.message = message
            self.hint = hint
        }
    }

    /// In the order in which they were tried. What could not be tried because of an earlier failure is missing.
    public var facts: [Fact] = []
    /// How far the server's clock is ahead, in milliseconds, to about a second; nil if it did not say the time.
    public var clockOffset: Int64?
    /// The median time of five small reads, in microseconds; nil if they failed.
    public var latency: Int64?
    /// Whether the keys may write; nil if that is not known.
    public var canWrite: Bool?
    /// Whether `If-None-Match: *` keeps a PUT from replacing an object; nil if that is not known.
    public var honorsConditionalPut: Bool?
    /// Whether it keeps the completion of an upload in parts from doing so; nil if that is not known.
    public var honorsConditionalComplete: Bool?

    /// Creates an examination without facts.
    public init() {}
}
