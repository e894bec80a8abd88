import HTTPTypes
import Text

/// The headers of every response that tell a browser what its content may do.
enum SecurityHeaders {
    private static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    private static let fixed: [(HTTPField.Name?, String)] = [
        (HTTPField.Name("Content-Security-Policy"), policy),
        (HTTPField.Name("X-Content-Type-Options"), "nosniff"),
        // Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
        (HTTPField.Name("Referrer-Policy"), "same-origin"),
        (HTTPField.Name("Cross-Origin-Resource-Policy"), "same-origin"),
        (HTTPField.Name("Cross-Origin-Opener-Policy"), "same-origin"),
        (HTTPField.Name("X-Frame-Options"), "DENY"),
    ]

    /// Adds them. A response that does not say how long it may be kept may not be kept.
    static func add(to headers: inout HTTPFields) {
        for (name, value) in fixed { if let name { headers[name] = value } }
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    }

    /// The value of `Content-Disposition` for a download. Browsers that do not know the second form use the first.
    static func attachment(_ name: String) -> String {
        let plain = name.unicodeScalars.map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_": Character(scalar)
            default: "_"
            }
        }
        let ascii = String(plain.prefix(150))
        return "attachment; filename=\"\(ascii.isEmpty ? "file" : ascii)\"; filename*=UTF-8''\(escaped(name))"
    }

    /// A name as RFC 8187 writes it. Slashes, control characters and those that reorder text are left out: a name must not
    /// show another ending than it has.
    private static func escaped(_ name: String) -> String {
        var bytes: [UInt8] = []
        for scalar in name.unicodeScalars {
            guard scalar != "/", scalar != "\\", ![.control, .format].contains(scalar.properties.generalCategory)
            else { continue }
            bytes += Array(String(scalar).utf8)
            if bytes.count > 200 { break }
        }
        return Percent.encode(String(decoding: bytes, as: UTF8.self))
    }
}
