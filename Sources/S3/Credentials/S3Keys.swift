/// An access key with its secret. The secret and the token are in no description.
public struct S3Keys: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The id of the access key. It is not secret, but it is not logged either.
    public let id: String
    /// The secret key, for the signature only. Never print it.
    public let secret: String
    /// The token of temporary keys, for its header only. Never print it.
    public let session: String?
    /// When the keys stop being valid, in milliseconds since 1970; nil for never, or not known.
    public let expires: Int64?

    /// Creates keys.
    /// - Throws: `invalid` if a part is empty or contains a space, a control or a non-ASCII character: it would end a
    ///   header early, or the file has been cut.
    public init(id: String, secret: String, session: String? = nil, expires: Int64? = nil) throws(S3Error) {
        for (name, value) in [("access key id", id), ("secret access key", secret), ("session token", session ?? "-")]
        where value.isEmpty || !value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw S3Error(
                .invalid,
                value.isEmpty
                    ? "the \(name) is empty" : "the \(name) contains a space, a control or a non-ASCII character")
        }
        self.id = id
        self.secret = secret
        self.session = session
        self.expires = expires
    }

    /// Says nothing about the keys.
    public var description: String { "S3Keys" }
    /// Says nothing about the keys.
    public var debugDescription: String { description }
    /// Has no members, so that `dump` prints none.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
