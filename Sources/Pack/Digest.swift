import CCrypto

/// SHA-256 (FIPS 180-4) through libcrypto, which uses the CPU's SHA instructions.
struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    init() throws(PackError) {
        guard let context = EVP_MD_CTX_new() else { throw Self.failed }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    private static var failed: PackError { PackError(.resources, "libcrypto has no SHA-256") }

    /// Begins a new digest.
    func start() throws(PackError) {
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else { throw Self.failed }
    }

    func update(_ bytes: UnsafeRawBufferPointer) throws(PackError) {
        guard bytes.count == 0 || EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            throw Self.failed
        }
    }

    /// Feeds `count` zero bytes.
    func update(zeros count: UInt64) throws(PackError) {
        var left = count
        while left > 0 {
            let step = Int(min(left, UInt64(Self.zeros.count)))
            let done = Self.zeros.withUnsafeBytes {
                EVP_DigestUpdate(context, $0.baseAddress, step)
            }
            guard done == 1 else { throw Self.failed }
            left -= UInt64(step)
        }
    }

    /// The digest's 32 bytes.
    func finish() throws(PackError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else { throw Self.failed }
        return digest
    }

    // Large enough to make the cost of each call negligible.
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)
}

/// SHA-256 of bytes in memory, and hex output.
public enum ContentHash {
    /// The 32 bytes of the SHA-256 of `bytes`.
    public static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let whole = Array(bytes)
        // The one-shot call fails only if libcrypto is unusable, and then no pack could be written either.
        _ = SHA256(whole, whole.count, &digest)
        return digest
    }

    /// `bytes` in lower-case hex.
    public static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }
}
