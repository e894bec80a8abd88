import Model
import Testing

@testable import S3

/// Makes clients for tests.
enum TestClients {
    static let secret = "salvage-secret-key"

    static func keys() throws -> S3Keys { try S3Keys(id: "salvage", secret: secret) }

    /// A client of a server, with short waits.
    static func client(
        _ endpoint: String, bucket: String = "bucket", prefix: String = "", parallel: Int = 8,
        credentials: (any S3Credentials)? = nil, _ change: (inout S3Options) -> Void = { _ in }
    ) throws -> S3Client {
        var settings = BucketSettings()
        settings.endpoint = endpoint
        settings.parallel = parallel
        var options = S3Options()
        (options.firstWait, options.longestWait, options.stallTimeout) = (1, 4, 5000)
        change(&options)
        return try S3Client(
            S3Location(parsing: "s3://\(bucket)/\(prefix)"), settings,
            credentials: try credentials ?? StaticCredentials(keys()), options: options)
    }
}

extension S3Client {
    /// The bytes of an object or of a range of it.
    func read(_ key: String, _ range: Range<UInt64>? = nil) throws -> [UInt8] {
        let (bytes, _) = try get(key, range, ifMatch: nil)
        return bytes
    }

    /// The bytes at the end of an object.
    func readEnd(_ key: String, _ count: Int) throws -> [UInt8] {
        let (bytes, _) = try end(of: key, count)
        return bytes
    }
}

/// Expects an error of S3 with a code and returns it.
@discardableResult
func expectFailure<Value>(
    _ code: S3Error.Code, location: SourceLocation = #_sourceLocation, _ body: () throws -> Value
) -> S3Error? {
    let error = #expect(throws: S3Error.self, sourceLocation: location) { _ = try body() }
    #expect(error?.code == code, "\(String(describing: error))", sourceLocation: location)
    return error
}
