import Bytes
import Digest
import Files
import Foundation
import Model
import S3
import Testing

@testable import Store

/// A bucket of its own on the server that `SALVAGE_TEST_S3` names.
final class BucketStage: Sendable {
    /// The server's endpoint; nil if the tests are to do without one.
    static var endpoint: String? { ProcessInfo.processInfo.environment["SALVAGE_TEST_S3"] }
    /// Why tests are skipped.
    static let why: Comment = "SALVAGE_TEST_S3 or SALVAGE_TEST_POSTGRES names no server"

    let client: S3Client
    /// The bucket's address for anybody.
    let url: String
    private let name: String

    init() throws {
        let endpoint = try #require(Self.endpoint)
        name = "salvage-" + UUID().uuidString.lowercased().filter { $0 != "-" }
        url = "\(endpoint)/\(name)"
        var settings = BucketSettings()
        settings.endpoint = endpoint
        client = try S3Client(
            try S3Location(parsing: "s3://\(name)/store"), settings,
            credentials: StaticCredentials(try S3Keys(id: "salvage", secret: "salvage-secret-key")))
        try put(url, [])
    }

    deinit { client.close() }

    /// Lets everybody read the symbols, as docs/fleet.md describes it.
    func publishSymbols() throws {
        let policy = """
            {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],\
            "Resource":["arn:aws:s3:::\(name)/store/symbols/*"]}]}
            """
        // With "=", since curl signs a query without it as if it were there.
        try put(url + "?policy=", Array(policy.utf8))
    }

    /// Sends a request that the client has no call for. curl signs the hash of the body only if it is told.
    private func put(_ url: String, _ body: [UInt8]) throws {
        let folder = try TemporaryFolder("salvage-bucket")
        try Replacement.write(body, to: folder.path + "/body")
        try SharedStage.run(
            "curl",
            [
                "--fail", "--silent", "--show-error", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
                "salvage:salvage-secret-key", "--header", "x-amz-content-sha256: \(Hex.text(SHA256.digest(body)))",
                "--header", "content-type: application/octet-stream", "--request", "PUT", "--data-binary",
                "@\(folder.path)/body", url,
            ])
    }
}
