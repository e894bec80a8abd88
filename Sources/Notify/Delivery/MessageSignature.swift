import Bytes
import Digest

/// Signs messages as Standard Webhooks (https://www.standardwebhooks.com) defines: HMAC with SHA-256 of id, time and body.
enum MessageSignature {
    /// The header `webhook-signature`.
    ///
    /// - Parameters:
    ///   - id: the header `webhook-id`.
    ///   - timestamp: the header `webhook-timestamp`, in seconds since 1970.
    ///   - secret: `whsec_` and the key in base64; any other text is the key itself.
    static func header(id: String, timestamp: Int64, body: [UInt8], secret: String) -> String {
        let signed = Array("\(id).\(timestamp).".utf8) + body
        return "v1," + Base64.text(HMACSHA256.code(signed, key: key(secret)))
    }

    /// The key of a secret.
    static func key(_ secret: String) -> [UInt8] {
        guard secret.hasPrefix("whsec_"), let key = decoded(Array(secret.utf8.dropFirst(6))), !key.isEmpty else {
            return Array(secret.utf8)
        }
        return key
    }

    /// Decodes base64 (RFC 4648), padded or not; nil if it is not that.
    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.prefix(while: { $0 != UInt8(ascii: "=") }) {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return out
    }
}
