/// One place where keys may be.
protocol KeySource: Sendable {
    /// The keys; nil if this place is not set up at all.
    /// - Throws: `S3Error` if it is set up and has no keys that can be used: other places are then not tried, so that no
    ///   keys but the intended ones are used.
    func find() throws(S3Error) -> S3Keys?

    /// Forgets keys that the server refused.
    func forget(_ keys: S3Keys)
}

extension KeySource {
    func forget(_ keys: S3Keys) {}
}

/// The sources in their order.
public struct CredentialsChain: S3Credentials {
    private let sources: [any KeySource]
    private let hint: String

    init(_ sources: [any KeySource], hint: String) {
        self.sources = sources
        self.hint = hint
    }

    /// The keys of the first source that is set up.
    /// - Throws: `S3Error` with `denied` if none is, or what that source throws.
    public func current() throws(S3Error) -> S3Keys {
        for source in sources {
            if let keys = try source.find() { return keys }
        }
        throw S3Error(.denied, "no S3 credentials were found", hint: hint)
    }

    /// Forgets keys in all sources.
    public func forget(_ keys: S3Keys) {
        for source in sources { source.forget(keys) }
    }
}
