/// How patient a client is, and where it looks for what its settings leave open.
public struct S3Options: Sendable {
    /// The most times that a request is sent.
    public var tries = 8
    /// The longest time in milliseconds from a request's first sending until it is given up. A try under way then is not
    /// ended, but none begins.
    public var patience: Int64 = 120_000
    /// The wait before the second try is at most this, in milliseconds; each further bound is twice the one before.
    public var firstWait: Int64 = 50
    /// No wait is longer, in milliseconds, unless the server asks for more.
    public var longestWait: Int64 = 10_000
    /// The longest time to establish a connection, in milliseconds, TLS included.
    public var connectTimeout: Int64 = 10_000
    /// The longest time without a byte of an answer or of a body that is sent, in milliseconds.
    public var stallTimeout: Int64 = 30_000
    /// The slowest rate of bodies, in bytes per second, beyond ``stallTimeout``: a server that sends a byte now and then
    /// would neither stall nor finish.
    public var slowestBody = 16_384
    /// The size of an upload's parts, in bytes; parts of large objects are larger, because S3 takes at most 10,000. AWS
    /// takes no parts below 5 MiB, except the last.
    public var partSize = 16 << 20
    /// About how many bytes of parts an upload or a download has in memory.
    public var partMemory = 64 << 20
    /// The variables `AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`
    /// count where the settings are nil.
    public var environment: [String: String] = [:]

    /// Creates the default options, without an environment.
    public init() {}
}
