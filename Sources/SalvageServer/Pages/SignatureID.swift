import Bytes
import Digest

/// The short id of a signature, by which addresses name it.
enum SignatureID {
    /// The first 12 hexadecimal digits of the SHA-256 of its text.
    static func of(_ signature: String) -> String { String(Hex.text(SHA256.digest(Array(signature.utf8))).prefix(12)) }
}
