import Bytes
import Digest
import Text

/// The cookie of somebody who signed in with a token: which token, until when, and a random part, signed with a key that
/// lives as long as the process.
struct SessionCookie: Sendable, Equatable {
    /// How long it is valid, in milliseconds.
    static let lifetime: Int64 = 12 * 3_600_000

    /// The SHA-256 of the token. Whether it is still in the file, and with which roles, is looked up for each request.
    var digest: [UInt8]
    /// Until when it is valid (ms since 1970).
    var expires: Int64
    /// Tells the sessions of one token from each other.
    var nonce: String

    /// Its text: three parts and the code over them.
    func text(key: [UInt8]) -> String {
        let payload = "\(Hex.text(digest)).\(expires).\(nonce)"
        return payload + "." + Hex.text(Self.code(payload, key))
    }

    /// Reads a cookie's text; nil if it is not signed with the key or has expired.
    init?(_ text: String, key: [UInt8], now: Int64) {
        guard text.utf8.count < 512 else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let code = Hex.bytes(parts[3]),
            HMACSHA256.areEqual(code, Self.code(parts[..<3].joined(separator: "."), key)),
            let digest = Hex.bytes(parts[0]), let expires = Int64(parts[1]), expires > now
        else { return nil }
        self.init(digest: digest, expires: expires, nonce: String(parts[2]))
    }

    init(digest: [UInt8], expires: Int64, nonce: String) {
        self.digest = digest
        self.expires = expires
        self.nonce = nonce
    }

    private static func code(_ payload: String, _ key: [UInt8]) -> [UInt8] {
        HMACSHA256.code(Array("session:".utf8) + payload.utf8, key: key)
    }
}

/// The value of a `Cookie` header, taken apart (RFC 6265, section 4.2.1).
enum CookieHeader {
    /// The values of all cookies with this name: a page of a neighboring name can add one of its own.
    static func values(_ name: String, in header: String) -> [String] {
        header.utf8.split(separator: UInt8(ascii: ";")).compactMap { part in
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, pair[0].drop(while: { $0 == 0x20 || $0 == 0x09 }).elementsEqual(name.utf8) else {
                return nil
            }
            return String(Substring(pair[1]))
        }
    }
}
