import Model
import Testing

@testable import S3

@Suite struct AddressTests {
    @Test func locationsHaveABucketAndAPrefix() throws {
        let location = try S3Location(parsing: "s3://my-bucket/a/b c")
        #expect(location.bucket == "my-bucket" && location.prefix == "a/b c/")
        #expect("\(location)" == "s3://my-bucket/a/b c/")
        #expect(try S3Location(parsing: "s3://my-bucket").prefix == "")
        #expect(try S3Location(parsing: "s3://my-bucket/").prefix == "")
        #expect(try S3Location(parsing: "s3://my-bucket/a/") == S3Location(parsing: "s3://my-bucket/a"))
    }

    @Test(arguments: [
        "", "s3://", "s3:///a", "S3://bucket", "https://bucket", "s3://b", "s3://bu cket", "s3://bücket", "s3://..",
        "s3://bucket//a", "s3://bucket/a//b", "s3://bucket/./a", "s3://bucket/a/..", "s3://bucket/a?b",
        "s3://bucket/a#b",
        "s3://bucket/a\nb", "s3://user@bucket/a",
    ]) func otherAddressesAreRefused(_ address: String) {
        expectFailure(.invalid) { try S3Location(parsing: address) }
    }

    private func endpoint(
        _ address: String?, bucket: String = "bucket", region: String? = nil, pathStyle: Bool? = nil,
        _ environment: [String: String] = [:]
    ) throws -> BucketEndpoint {
        var settings = BucketSettings()
        (settings.endpoint, settings.region, settings.pathStyle) = (address, region, pathStyle)
        return try BucketEndpoint(S3Location(parsing: "s3://\(bucket)"), settings, environment)
    }

    private func url(_ endpoint: BucketEndpoint) -> String { endpoint.url(endpoint.path(of: "k"), query: "") }

    @Test func bucketsAreNamedInThePathOrInTheHost() throws {
        #expect(url(try endpoint(nil)) == "https://bucket.s3.us-east-1.amazonaws.com/k")
        #expect(url(try endpoint(nil, region: "eu-west-1")) == "https://bucket.s3.eu-west-1.amazonaws.com/k")
        #expect(url(try endpoint(nil, region: "cn-north-1")) == "https://bucket.s3.cn-north-1.amazonaws.com.cn/k")
        // A wildcard certificate does not cover a dot.
        #expect(url(try endpoint(nil, bucket: "a.bucket")) == "https://s3.us-east-1.amazonaws.com/a.bucket/k")
        #expect(url(try endpoint("https://s3.studio")) == "https://s3.studio/bucket/k")
        #expect(url(try endpoint("https://S3.studio/", pathStyle: false)) == "https://bucket.s3.studio/k")
    }

    @Test func portsAndAddressesAreKept() throws {
        #expect(try endpoint("http://[::1]:7480").host == "[::1]:7480")
        #expect(url(try endpoint("http://[::1]:7480")) == "http://[::1]:7480/bucket/k")
        #expect(try endpoint("https://s3.studio:443").host == "s3.studio")
        #expect(try endpoint("http://s3.studio:80").host == "s3.studio")
        #expect(try endpoint("https://s3.studio:80").host == "s3.studio:80")
        expectFailure(.invalid) { try endpoint("http://127.0.0.1:7480", pathStyle: false) }
        expectFailure(.invalid) { try endpoint("http://[::1]:7480", pathStyle: false) }
    }

    @Test func theEnvironmentCountsWhereTheSettingsAreSilent() throws {
        let environment = [
            "AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL": "https://one", "AWS_ENDPOINT_URL_S3": "https://two",
        ]
        #expect(try endpoint(nil, environment).region == "eu-north-1")
        #expect(try endpoint(nil, environment).host == "two")
        #expect(try endpoint("https://three", region: "r", environment).host == "three")
        #expect(try endpoint("https://three", region: "r", environment).region == "r")
        #expect(try endpoint(nil, ["AWS_REGION": "", "AWS_DEFAULT_REGION": "d"]).region == "d")
    }

    @Test(arguments: [
        "", "s3.studio", "ftp://s3.studio", "https://", "https://s3.studio/path", "https://s3.studio?x",
        "https://u:p@s3.studio",
        "https://s3 studio", "https://s3.studio:0", "https://s3.studio:70000", "https://[::1",
        "https://s3.studio\r\nx:y",
    ]) func otherEndpointsAreRefused(_ address: String) {
        expectFailure(.invalid) { try endpoint(address) }
    }

    @Test func keysThatOthersWouldChangeAreRefused() throws {
        let client = try TestClients.client("http://127.0.0.1:1")
        for key in ["", ".", "..", "a/../b", "a/.", "a\0b", String(repeating: "x", count: 1025)] {
            expectFailure(.invalid) { try client.head(key) }
        }
        for key in ["a", "/a", "a//b", "a/", "...", "a/.b", String(repeating: "x", count: 1024)] {
            #expect(try client.checked(key) == key)
        }
    }
}
