/// A source of keys. Calls block: sources read files and ask the machine's metadata service.
public protocol S3Credentials: Sendable {
    /// The keys to sign the next request with. Called before each, so that rotated keys take effect.
    /// - Throws: `S3Error` with `denied` if there are none, or with `invalid` if their place is not usable.
    func current() throws(S3Error) -> S3Keys

    /// Forgets keys that the server has just called expired or unknown, so that the next call finds others if there are
    /// any.
    func forget(_ keys: S3Keys)
}

extension S3Credentials {
    /// Does nothing: the source looks each time.
    public func forget(_ keys: S3Keys) {}
}

/// Keys that do not change.
public struct StaticCredentials: S3Credentials {
    private let keys: S3Keys

    /// Creates a source of one pair of keys.
    public init(_ keys: S3Keys) { self.keys = keys }

    /// The keys.
    public func current() throws(S3Error) -> S3Keys { keys }
}
