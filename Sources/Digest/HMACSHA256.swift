/// Message authentication codes with SHA-256 (RFC 2104).
public enum HMACSHA256 {
    private static let blockSize = 64

    /// The code of a message under a key.
    public static func code(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        var padded = key.count > blockSize ? SHA256.digest(key) : key
        padded += [UInt8](repeating: 0, count: blockSize - padded.count)
        return SHA256.digest(padded.map { $0 ^ 0x5c } + SHA256.digest(padded.map { $0 ^ 0x36 } + Array(message)))
    }

    /// Whether two codes are the same, in a time that does not depend on where they differ.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
