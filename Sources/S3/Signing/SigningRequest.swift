internal import Text

/// What Signature Version 4 signs of a request.
///
/// Path and query are encoded in one place, so that what is signed is what is sent.
package struct SigningRequest: Sendable, Equatable {
    /// The method, in capitals.
    package var method: String
    /// The path, percent-encoded, as it is sent; begins with `/`.
    package var path: String
    /// Names and values of the query, decoded, in any order. A name may be repeated, and a value may be empty.
    package var query: [(name: String, value: String)]
    /// The headers to sign, `host` among them. A name may be repeated.
    package var headers: [(name: String, value: String)]
    /// The SHA-256 of the body in hexadecimal digits.
    package var payload: String

    /// Creates a request.
    package init(
        _ method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], payload: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.payload = payload
    }

    /// The path of an object: every byte escaped but letters, digits, `-._~` and the slashes between segments.
    ///
    /// S3 signs the path as it is sent: encoded once, without removing `.`, `..` or empty segments.
    package static func path(of segments: String) -> String {
        segments.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            Percent.encode(Substring($0))
        }.joined(separator: "/")
    }

    /// The query as it is sent and signed: encoded, sorted by the bytes of names and then of values.
    package var canonicalQuery: String {
        query.map { (Percent.encode($0.name), Percent.encode($0.value)) }
            .sorted { $0.0.hasSameBytes(as: $1.0) ? $0.1.precedesInBytes($1.1) : $0.0.precedesInBytes($1.0) }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Lower-case names with their folded values, sorted by name; the values of a repeated name are joined by commas in
    /// their order.
    var canonicalHeaders: [(name: String, value: String)] {
        var joined: [(name: String, value: String)] = []
        for (name, value) in headers {
            let name = name.lowercased()
            let folded = Self.folded(value)
            if let index = joined.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
                joined[index].value += ",\(folded)"
            } else {
                joined.append((name, folded))
            }
        }
        return joined.sorted { $0.name.precedesInBytes($1.name) }
    }

    /// The value without spaces around it, and with one space for several. A line break of an obsolete folded header
    /// separates values.
    static func folded(_ value: String) -> String {
        value.split { $0 == "\n" || $0 == "\r\n" }.map { line in
            line.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
        }.joined(separator: ",")
    }

    /// The names of the signed headers, as the signature lists them.
    var signedHeaders: String { canonicalHeaders.map(\.name).joined(separator: ";") }

    /// The canonical request.
    package var canonical: String {
        let headers = canonicalHeaders
        return
            ([method, path, canonicalQuery] + headers.map { "\($0.name):\($0.value)" }
            + ["", headers.map(\.name).joined(separator: ";"), payload]).joined(separator: "\n")
    }

    /// Whether both have the same method, path, query, headers and payload, in the same order.
    package static func == (left: SigningRequest, right: SigningRequest) -> Bool {
        left.canonical.hasSameBytes(as: right.canonical)
    }
}
