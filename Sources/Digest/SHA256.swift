internal import CCrypto

/// Computes the SHA-256 (FIPS 180-4) of a stream of bytes through libcrypto, which uses the CPU's SHA instructions.
///
/// It calls libcrypto's plain functions and not its providers: they allocate nothing, cannot fail, and read no
/// configuration file, which a confined process could not open.
public struct SHA256Hasher: ~Copyable {
    private var context = SHA256_CTX()

    /// Begins a digest.
    public init() { SHA256_Init(&context) }

    /// Begins a new digest and forgets the bytes so far.
    public mutating func restart() { SHA256_Init(&context) }

    /// Adds the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        SHA256_Update(&context, start, bytes.count)
    }

    /// Adds `count` zero bytes.
    public mutating func update(zeros count: UInt64) {
        var left = count
        while left > 0 {
            let step = Int(min(left, UInt64(Self.zeros.count)))
            Self.zeros.withUnsafeBytes { update(UnsafeRawBufferPointer(rebasing: $0[..<step])) }
            left -= UInt64(step)
        }
    }

    /// Returns the 32 bytes of the digest; ``restart()`` must follow before more bytes are added.
    public mutating func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: SHA256.size) { digest, count in
            SHA256_Final(digest.baseAddress, &context)
            count = SHA256.size
        }
    }

    // Large enough to make the cost of each call negligible.
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)
}

/// The SHA-256 of bytes in memory.
public enum SHA256 {
    /// Length of a digest in bytes.
    public static let size = 32

    /// Returns the digest of `bytes`.
    public static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var hasher = SHA256Hasher()
        if bytes.withContiguousStorageIfAvailable({ hasher.update(UnsafeRawBufferPointer($0)) }) == nil {
            Array(bytes).withUnsafeBytes { hasher.update($0) }
        }
        return hasher.finish()
    }
}
