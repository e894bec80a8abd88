import Bytes
import Digest

/// The short id of a signature: the first 12 hexadecimal digits of the SHA-256 of its text.
enum SignatureID {
    static func of(_ signature: String) -> String { Hex.text(SHA256.digest(signature.utf8).prefix(6)) }
}
