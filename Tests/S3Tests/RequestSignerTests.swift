import Bytes
import Digest
import Testing

@testable import S3

@Suite struct RequestSignerTests {
    private static let empty = Hex.text(SHA256.digest([]))

    /// The examples of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)",
    /// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html#example-signature-calculations
    struct Documented: Sendable, CustomTestStringConvertible {
        var name: String
        var method = "GET"
        var path = "/"
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var payload = RequestSignerTests.empty
        var signature: String

        var testDescription: String { name }
    }

    static let documented = [
        Documented(
            name: "GET Object", path: "/test.txt", headers: [("Range", "bytes=0-9")],
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Documented(
            name: "PUT Object", method: "PUT", path: SigningRequest.path(of: "/test$file.text"),
            headers: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: Hex.text(SHA256.digest("Welcome to Amazon S3.".utf8)),
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Documented(
            name: "GET Bucket Lifecycle", query: [("lifecycle", "")],
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Documented(
            name: "GET Bucket (List Objects)", query: [("prefix", "J"), ("max-keys", "2")],
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]

    @Test(arguments: documented) func theExamplesOfS3(_ example: Documented) throws {
        let stamp = RequestSigner.stamp(1_369_353_600)
        #expect(stamp == "20130524T000000Z")
        let request = SigningRequest(
            example.method, path: example.path, query: example.query,
            headers: example.headers + [
                ("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", example.payload),
                ("x-amz-date", stamp),
            ], payload: example.payload)
        let keys = try S3Keys(id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        let signer = RequestSigner(region: "us-east-1")
        #expect(signer.signature(request, keys, stamp: stamp) == example.signature)
        let header = signer.authorization(request, keys, stamp: stamp)
        #expect(
            header.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"))
        #expect(header.contains("SignedHeaders=\(request.signedHeaders),") && header.hasSuffix(example.signature))
    }

    /// Cases of the "Signature Version 4 Test Suite" that do not depend on the removal of dots from paths, which S3 does not
    /// do: https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
    static let suite = [
        Documented(
            name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Documented(
            name: "post-vanilla", method: "POST",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        Documented(
            name: "get-vanilla-query-order-key-case", query: [("Param2", "value2"), ("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Documented(
            name: "get-header-key-duplicate",
            headers: [("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
            signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
        Documented(
            name: "get-header-value-multiline", headers: [("My-Header1", "value1\n  value2\n     value3")],
            signature: "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790"),
        Documented(
            name: "get-header-value-trim", headers: [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    ]

    @Test(arguments: suite) func theTestSuite(_ example: Documented) throws {
        let stamp = "20150830T123600Z"
        let request = SigningRequest(
            example.method, path: example.path, query: example.query,
            headers: [("Host", "example.amazonaws.com")] + example.headers + [("X-Amz-Date", stamp)],
            payload: example.payload)
        let keys = try S3Keys(id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        let signer = RequestSigner(region: "us-east-1", service: "service")
        #expect(signer.signature(request, keys, stamp: stamp) == example.signature, "\(request.canonical)")
    }

    @Test func pathsAreEncodedOnceAndNotNormalized() {
        #expect(SigningRequest.path(of: "/b/a b+c~d%25") == "/b/a%20b%2Bc~d%2525")
        #expect(SigningRequest.path(of: "/b//x/../y/.") == "/b//x/../y/.")
        #expect(SigningRequest.path(of: "/b/ü'(*)!$&") == "/b/%C3%BC%27%28%2A%29%21%24%26")
        #expect(SigningRequest.path(of: "/") == "/")
    }

    @Test func queriesAreSortedByTheirEncodedBytes() {
        let request = SigningRequest(
            "GET", path: "/",
            query: [("b", ""), ("a", "2"), ("a", "10"), ("a b", "+"), ("A", "ü"), ("a", ""), ("a-", "x")],
            payload: Self.empty)
        #expect(request.canonicalQuery == "A=%C3%BC&a=&a=10&a=2&a%20b=%2B&a-=x&b=")
    }

    @Test func aTimeIsStampedInSeconds() {
        #expect(RequestSigner.stamp(0) == "19700101T000000Z")
        #expect(RequestSigner.stamp(1_440_938_160) == "20150830T123600Z")
        #expect(RequestSigner.stamp(.max) == "99991231T235959Z")
    }
}
