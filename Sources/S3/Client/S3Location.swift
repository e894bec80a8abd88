internal import Text

/// A bucket and the beginning of the keys in it.
public struct S3Location: Sendable, Equatable, CustomStringConvertible {
    /// The bucket's name.
    public var bucket: String
    /// What all keys begin with: empty, or a path that ends with a slash.
    public var prefix: String

    /// Reads `s3://bucket` or `s3://bucket/some/prefix`; a slash at the end may be missing. The prefix is taken as it is,
    /// without decoding.
    /// - Throws: `S3Error` with `invalid` if the text is not such an address.
    public init(parsing address: String) throws(S3Error) {
        func invalid(_ why: String) -> S3Error {
            S3Error(
                .invalid, "the bucket's address \(why)", key: Escape.display(address),
                hint: "write it as s3://bucket or s3://bucket/prefix")
        }
        guard address.hasBytePrefix("s3://") else { throw invalid("does not begin with s3://") }
        let rest = address.utf8.dropFirst(5)
        let name = rest.prefix { $0 != UInt8(ascii: "/") }
        let path = rest.dropFirst(name.count + 1)
        bucket = String(Substring(name))
        guard Self.isName(bucket) else { throw invalid("has no valid bucket name") }
        guard !path.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") })
        else { throw invalid("contains ?, # or a control character") }
        guard path.count <= 512 else { throw invalid("has a prefix of more than 512 bytes") }
        prefix = String(Substring(path))
        if !prefix.isEmpty, prefix.utf8.last != UInt8(ascii: "/") { prefix += "/" }
        guard !prefix.utf8.starts(with: [UInt8(ascii: "/")]),
            !prefix.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropLast().contains(
                where: {
                    $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8)
                })
        else { throw invalid("has an empty, . or .. segment, which proxies remove") }
    }

    /// `s3://bucket/prefix/`.
    public var description: String { "s3://\(bucket)/\(prefix)" }

    /// Whether both have the same bytes.
    public static func == (left: S3Location, right: S3Location) -> Bool {
        left.bucket.hasSameBytes(as: right.bucket) && left.prefix.hasSameBytes(as: right.prefix)
    }

    /// Letters, digits, dots and dashes, and the underscores and capitals that AWS's oldest buckets and other servers
    /// have. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    private static func isName(_ name: String) -> Bool {
        (3...255).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            } && !name.contains("..") && name.utf8.first != UInt8(ascii: ".") && name.utf8.last != UInt8(ascii: ".")
    }
}
