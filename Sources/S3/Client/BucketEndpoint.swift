internal import Model
internal import Text

/// Where requests to a bucket go, and the form of their addresses.
struct BucketEndpoint: Sendable {
    /// `http` or `https`.
    let scheme: String
    /// The header `Host`, which is also the authority of the address: without the scheme's own port.
    let host: String
    /// The region that requests are signed for.
    let region: String
    /// What paths begin with: the bucket, or nothing if the host names it.
    private let base: String

    init(_ location: S3Location, _ settings: BucketSettings, _ environment: [String: String]) throws(S3Error) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        region = settings.region ?? value("AWS_REGION") ?? value("AWS_DEFAULT_REGION") ?? "us-east-1"
        guard !region.isEmpty, region.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
            throw S3Error(.invalid, "the bucket's region is not valid", key: "\(location)")
        }
        let endpoint = settings.endpoint ?? value("AWS_ENDPOINT_URL_S3") ?? value("AWS_ENDPOINT_URL")
        let authority: String
        if let endpoint {
            (scheme, authority) = try Self.parts(endpoint)
        } else {
            scheme = "https"
            authority = "s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
        }
        // A certificate for *.host covers no further dots, and a host's name has no capitals.
        let canBeHost = location.bucket.utf8.allSatisfy { byte in
            byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == UInt8(ascii: "-")
        }
        let isPathStyle = settings.pathStyle ?? (endpoint != nil || !canBeHost)
        if isPathStyle {
            host = authority
            base = "/" + location.bucket
        } else {
            guard canBeHost || location.bucket.utf8.allSatisfy({ $0 != UInt8(ascii: "_") }), !Self.isAddress(authority)
            else {
                throw S3Error(
                    .invalid, "the bucket cannot be named in the host's name", key: "\(location)",
                    hint: "set path_style: true")
            }
            host = "\(location.bucket).\(authority)"
            base = ""
        }
    }

    /// The path of an object, or of the bucket itself, percent-encoded.
    func path(of key: String?) -> String { SigningRequest.path(of: "\(base)/\(key ?? "")") }

    /// The address of a request.
    func url(_ path: String, query: String) -> String {
        "\(scheme)://\(host)\(path)\(query.isEmpty ? "" : "?")\(query)"
    }

    private static func parts(_ endpoint: String) throws(S3Error) -> (scheme: String, authority: String) {
        func invalid(_ why: String) -> S3Error {
            S3Error(
                .invalid, "the S3 endpoint \(why)", key: Escape.display(endpoint),
                hint: "write it as https://host or https://host:port")
        }
        guard let scheme = ["https", "http"].first(where: { endpoint.hasBytePrefix("\($0)://") }) else {
            throw invalid("does not begin with https:// or http://")
        }
        var rest = Array(endpoint.utf8.dropFirst(scheme.utf8.count + 3))
        if rest.last == UInt8(ascii: "/") { rest.removeLast() }
        guard rest.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#@\\%".utf8.contains($0) }) else {
            throw invalid("has more than a host and a port")
        }
        let port = scheme == "https" ? ":443" : ":80"
        let text = String(decoding: rest, as: UTF8.self)
        guard Authority.isUsable(text) else { throw invalid("has no valid host and port") }
        return (scheme, (text.hasByteSuffix(port) ? String(text.dropLast(port.count)) : text).lowercased())
    }

    /// Whether a host is an address, IPv6 in brackets or IPv4, which has no subdomains.
    private static func isAddress(_ authority: String) -> Bool {
        authority.utf8.first == UInt8(ascii: "[")
            || authority.utf8.prefix { $0 != UInt8(ascii: ":") }.allSatisfy {
                $0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: ".")
            }
    }
}
