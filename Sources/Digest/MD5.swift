internal import CCrypto

/// The MD5 (RFC 1321) of bytes in memory: only for the header `Content-MD5` (RFC 1864), which protocols ask for. It
/// protects against damage on the way and not against an attacker.
public enum MD5 {
    /// Length of a digest in bytes.
    public static let size = 16

    /// Returns the digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { digest, count in
            var context = MD5_CTX()
            MD5_Init(&context)
            bytes.withUnsafeBytes { buffer in
                if let start = buffer.baseAddress { MD5_Update(&context, start, buffer.count) }
            }
            MD5_Final(digest.baseAddress, &context)
            count = size
        }
    }
}
