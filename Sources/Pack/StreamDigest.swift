/// Computes the SHA-256 of a stream of bytes.
public struct StreamDigest: ~Copyable {
    private let hasher: SHA256Hasher

    /// Begins a digest.
    ///
    /// - Throws: ``PackError`` with `resources` when libcrypto has no SHA-256.
    public init() throws(PackError) {
        let fresh = try SHA256Hasher()
        try fresh.start()
        hasher = fresh
    }

    /// Adds the next piece.
    public func update(_ bytes: UnsafeRawBufferPointer) throws(PackError) { try hasher.update(bytes) }

    /// Returns the digest in lower-case hex.
    public consuming func finish() throws(PackError) -> String { ContentHash.hex(try hasher.finish()) }
}
