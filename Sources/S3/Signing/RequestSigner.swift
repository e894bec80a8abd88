internal import Bytes
internal import Calendar
internal import Digest

/// Signs requests by AWS Signature Version 4, in headers.
///
/// Source: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)",
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html, and "Create a signed AWS API
/// request", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
package struct RequestSigner: Sendable {
    /// The region of the credential's scope.
    package var region: String
    /// The service of the credential's scope.
    package var service: String

    /// Creates a signer.
    package init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// A time in seconds since 1970 as the header `x-amz-date` has it: `20130524T000000Z`.
    package static func stamp(_ seconds: Int64) -> String {
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        let text = ISO8601.text(clamping: milliseconds.overflow ? .max : milliseconds.partialValue)
        // The fraction and its dot are three digits behind the second, and `Z` ends the text.
        return text.dropLast(5).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    /// The text whose code is the signature.
    package func stringToSign(_ request: SigningRequest, stamp: String) -> String {
        ["AWS4-HMAC-SHA256", stamp, scope(stamp), Hex.text(SHA256.digest(request.canonical.utf8))].joined(
            separator: "\n")
    }

    /// The value of the header `Authorization`. The request's headers contain `x-amz-date` with the same stamp.
    package func authorization(_ request: SigningRequest, _ keys: S3Keys, stamp: String) -> String {
        "AWS4-HMAC-SHA256 Credential=\(keys.id)/\(scope(stamp)),SignedHeaders=\(request.signedHeaders),"
            + "Signature=\(signature(request, keys, stamp: stamp))"
    }

    /// The signature, in hexadecimal digits.
    package func signature(_ request: SigningRequest, _ keys: S3Keys, stamp: String) -> String {
        var key = Array("AWS4\(keys.secret)".utf8)
        for part in [String(stamp.prefix(8)), region, service, "aws4_request"] {
            key = HMACSHA256.code(part.utf8, key: key)
        }
        return Hex.text(HMACSHA256.code(stringToSign(request, stamp: stamp).utf8, key: key))
    }

    private func scope(_ stamp: String) -> String { "\(stamp.prefix(8))/\(region)/\(service)/aws4_request" }
}
