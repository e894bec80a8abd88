import Bytes
import Calendar
internal import Text

/// The URL of one request, built from parts that may hold any character.
struct Endpoint {
    private var text: String
    private var hasQuery = false

    /// Starts at a base URL that has been checked by ``checkedBase(_:)``.
    init(base: String) {
        text = base
    }

    /// Adds one path segment. Slashes and all other reserved characters are escaped.
    mutating func segment(_ value: String) {
        text += "/"
        switch value {
        // These two would be resolved as relative path segments.
        case ".": text += "%2E"
        case "..": text += "%2E%2E"
        default: text += Self.encoded(value)
        }
    }

    /// Adds one query parameter.
    mutating func query(_ name: String, _ value: String) {
        text += hasQuery ? "&" : "?"
        hasQuery = true
        text += Self.encoded(name) + "=" + Self.encoded(value)
    }

    /// Adds one query parameter if there is a value.
    mutating func query(_ name: String, _ value: String?) {
        if let value { query(name, value) }
    }

    var url: String { text }

    /// Percent-encodes everything but the unreserved characters of RFC 3986.
    static func encoded(_ value: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.utf8.count)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                Hex.appendUpper(byte, to: &bytes)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The base URL without a trailing slash; nil when it is not an http, https, http+unix or https+unix URL, or holds
    /// user information, a query, a fragment or a character that URLs cannot hold.
    static func checkedBase(_ text: String) -> String? {
        guard let colon = text.range(ofFirst: "://") else { return nil }
        guard ["http", "https", "http+unix", "https+unix"].contains(text[..<colon.lowerBound].lowercased()) else {
            return nil
        }
        let rest = text[colon.upperBound...]
        guard !rest.isEmpty, rest.first != "/", rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard !rest.contains(where: { "?#@\\\"<>{}|^`".contains($0) }) else { return nil }
        let isSocket = text[..<colon.lowerBound].lowercased().hasSuffix("+unix")
        guard isSocket || Authority.isUsable(rest.prefix { $0 != "/" }) else { return nil }
        var base = text
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }
}

extension String {
    /// The first occurrence of a short text.
    fileprivate func range(ofFirst needle: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle), let end = index(start, offsetBy: needle.count, limitedBy: endIndex) {
                return start..<end
            }
            start = index(after: start)
        }
        return nil
    }
}

/// Reads `Retry-After`.
enum RetryAfter {
    /// The seconds to wait: the header holds a number of seconds, or an HTTP date that is compared with the server's
    /// `Date` header (or our clock without one). Nil when it is neither. From 0 to 86,400.
    static func seconds(_ value: String, serverDate: String?, now: Int64) -> Double? {
        let text = value.trimmingSpaces
        if let seconds = Double(text), text.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }) {
            return min(max(seconds, 0), 86_400)
        }
        guard let then = HTTPDate.seconds(text) else { return nil }
        let from = serverDate.flatMap { HTTPDate.seconds($0.trimmingSpaces) } ?? now
        return Double(min(max(then &- from, 0), 86_400))
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
