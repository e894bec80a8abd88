import Foundation
import Model
import Synchronization
import Testing

@testable import S3

@Suite struct CredentialsTests {
    private let folder = "\(NSTemporaryDirectory())/credentials-\(UUID().uuidString)"

    /// Writes a file, and returns its path.
    private func file(_ text: String, mode: Int = 0o600) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/credentials"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    private func chain(
        _ environment: [String: String], file: String? = nil, profile: String? = nil
    ) -> CredentialsChain {
        var settings = BucketSettings()
        (settings.credentialsFile, settings.profile) = (file, profile)
        // No test asks the machine it runs on.
        let closed = ["AWS_EC2_METADATA_DISABLED": "true"]
        return CredentialsChain.standard(settings, environment: closed.merging(environment) { $1 })
    }

    private static let text = """
        # a comment
        [default]
        aws_access_key_id = AKIDEFAULT
        aws_secret_access_key=secretdefault+/=
        [other profile]
        aws_access_key_id=AKIOTHER
        aws_secret_access_key = secretother
        aws_session_token = token/other==
        [sso]
        sso_session = studio
        s3 =
          max_concurrent_requests = 20
        [broken]
        aws_access_key_id = AKI BROKEN
        aws_secret_access_key = secretbroken
        """

    @Test func theEnvironmentHasKeys() throws {
        let keys = try chain([
            "AWS_ACCESS_KEY_ID": "AKI", "AWS_SECRET_ACCESS_KEY": "s/+=", "AWS_SESSION_TOKEN": "t",
        ]).current()
        #expect(keys.id == "AKI" && keys.secret == "s/+=" && keys.session == "t" && keys.expires == nil)
        let half = expectFailure(.denied) { try chain(["AWS_ACCESS_KEY_ID": "AKI"]).current() }
        #expect(half?.message.contains("AWS_SECRET_ACCESS_KEY") == true)
        expectFailure(.denied) { try chain([:]).current() }
        expectFailure(.invalid) {
            try chain(["AWS_ACCESS_KEY_ID": "AKI\r\nx: y", "AWS_SECRET_ACCESS_KEY": "s"]).current()
        }
    }

    @Test func aFileHasProfiles() throws {
        defer { remove() }
        let path = try file(Self.text)
        let first = try chain([:], file: path).current()
        #expect(first.id == "AKIDEFAULT" && first.secret == "secretdefault+/=" && first.session == nil)
        let other = try chain([:], file: path, profile: "other profile").current()
        #expect(other.id == "AKIOTHER" && other.session == "token/other==")
        let sso = expectFailure(.denied) { try chain([:], file: path, profile: "sso").current() }
        #expect(sso?.message.contains("sso_session") == true)
        let missing = expectFailure(.denied) { try chain([:], file: path, profile: "none").current() }
        #expect(missing?.key == path && missing?.hint?.contains("[none]") == true)
        let broken = expectFailure(.invalid) { try chain([:], file: path, profile: "broken").current() }
        #expect(!"\(String(describing: broken))".contains("BROKEN"))
        // Keys of the environment are not what the configuration asked for.
        let named = try chain(["AWS_ACCESS_KEY_ID": "AKI", "AWS_SECRET_ACCESS_KEY": "s"], file: path).current()
        #expect(named.id == "AKIDEFAULT")
    }

    @Test(arguments: [0o640, 0o644, 0o660]) func aNamedFileThatOthersCanReadIsRefused(_ mode: Int) throws {
        defer { remove() }
        let path = try file(Self.text, mode: mode)
        let error = expectFailure(.invalid) { try chain([:], file: path).current() }
        #expect(error?.hint == "type: chmod 600 \(path)" && error?.key == path)
    }

    @Test func aMissingNamedFileIsAnError() {
        expectFailure(.denied) { try chain([:], file: folder + "/none").current() }
    }

    @Test func theFileOfAWSComesAfterTheEnvironment() throws {
        defer { remove() }
        let path = try file(Self.text, mode: 0o640)
        let shared = ["AWS_SHARED_CREDENTIALS_FILE": path]
        #expect(try chain(shared).current().id == "AKIDEFAULT")
        #expect(try chain(shared.merging(["AWS_PROFILE": "other profile"]) { $1 }).current().id == "AKIOTHER")
        let keys = ["AWS_ACCESS_KEY_ID": "AKI", "AWS_SECRET_ACCESS_KEY": "s"]
        #expect(try chain(shared.merging(keys) { $1 }).current().id == "AKI")
        // A profile in the settings is meant.
        #expect(try chain(shared.merging(keys) { $1 }, profile: "other profile").current().id == "AKIOTHER")
        expectFailure(.denied) { try chain(shared, profile: "none").current() }
        expectFailure(.denied) { try chain(["AWS_SHARED_CREDENTIALS_FILE": folder + "/none"]).current() }
        let open = try file(Self.text, mode: 0o644)
        expectFailure(.invalid) { try chain(["AWS_SHARED_CREDENTIALS_FILE": open]).current() }
    }

    @Test func aChangedFileIsReadAgain() throws {
        defer { remove() }
        let credentials = chain([:], file: try file(Self.text))
        #expect(try credentials.current().id == "AKIDEFAULT")
        _ = try file("[default]\naws_access_key_id=AKINEW\naws_secret_access_key=new\n")
        #expect(try credentials.current().id == "AKINEW")
    }

    // MARK: Services

    private static func answer(_ id: String, expires: Date) -> TestServer.Answer {
        let time = ISO8601DateFormatter().string(from: expires)
        return .respond(
            200,
            text:
                #"{"Code":"Success","AccessKeyId":"\#(id)","SecretAccessKey":"s","Token":"t","Expiration":"\#(time)"}"#)
    }

    private func machineChain(_ server: TestServer) -> CredentialsChain {
        chain(["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url + "/"])
    }

    /// A metadata service of version 2 whose keys last for a time.
    private static func machine(_ lasting: TimeInterval) -> TestServer {
        let count = Mutex(0)
        return TestServer { request, _ in
            switch (request.method, request.target) {
            case ("PUT", "/latest/api/token"): return .respond(200, text: "pass==")
            case ("GET", _) where request["x-aws-ec2-metadata-token"] != "pass==": return .respond(401)
            case ("GET", "/latest/meta-data/iam/security-credentials/"): return .respond(200, text: "role\n")
            case ("GET", "/latest/meta-data/iam/security-credentials/role"):
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return answer("AKI\(number)", expires: Date() + lasting)
            default: return .respond(404)
            }
        }
    }

    @Test func aMachineHasTheKeysOfItsRole() throws {
        let server = Self.machine(3600)
        defer { server.stop() }
        let credentials = machineChain(server)
        let keys = try credentials.current()
        #expect(keys.id == "AKI1" && keys.session == "t" && keys.expires != nil)
        #expect(try credentials.current() == keys && server.requests.count == 3, "kept until shortly before their end")
        credentials.forget(keys)
        #expect(try credentials.current().id == "AKI2")
    }

    @Test func keysThatEndSoonAreRenewed() throws {
        let server = Self.machine(60)
        defer { server.stop() }
        let credentials = machineChain(server)
        #expect(try credentials.current().id == "AKI1")
        #expect(try credentials.current().id == "AKI2")
    }

    @Test func aServiceThatFailsIsAskedTwiceAndThenLeftAlone() throws {
        let server = TestServer { _, _ in .respond(500) }
        defer { server.stop() }
        let credentials = machineChain(server)
        expectFailure(.denied) { try credentials.current() }
        expectFailure(.denied) { try credentials.current() }
        #expect(server.requests.count == 2)
    }

    @Test func aContainerHasTheKeysOfItsRole() throws {
        defer { remove() }
        let server = TestServer { request, _ in
            guard request.target == "/v1/keys?x=1", let token = request["authorization"] else { return .respond(403) }
            return Self.answer(token, expires: Date() + 60)
        }
        defer { server.stop() }
        let token = try file("first\n")
        let credentials = chain([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/v1/keys?x=1",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "not this",
        ])
        #expect(try credentials.current().id == "first")
        _ = try file("second")
        #expect(try credentials.current().id == "second", "the token's file is read again")
        _ = try file("")
        // The old keys last still.
        #expect(try credentials.current().id == "second")
    }

    @Test(arguments: [
        "http://example.com/keys", "http://127.0.0.1.example.com/", "http://user@127.0.0.1/", "ftp://127.0.0.1/",
        "http://10.0.0.1/", "http://127.0.0.1:99999/", "http://127.0.0.1 /", "",
    ]) func aTokenIsSentToNoOtherPlace(_ address: String) {
        let code: S3Error.Code = address.isEmpty ? .denied : .invalid
        expectFailure(code) {
            try chain([
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": address, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t",
            ]).current()
        }
    }

    @Test(arguments: [
        "", "{", "[]", #"{"Code":"Failed"}"#, #"{"AccessKeyId":"a"}"#,
        #"{"AccessKeyId":"a","SecretAccessKey":"b c"}"#,
        #"{"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"soon"}"#,
    ]) func otherAnswersHaveNoKeys(_ body: String) {
        #expect(throws: S3Error.self) { try MetadataClient.keys(Array(body.utf8), service: "it") }
    }

    @Test func expiredKeysAreReplacedDuringARequest() throws {
        let machine = Self.machine(3600)
        let server = TestServer { request, _ in
            request["authorization"]?.contains("AKI1/") == true
                ? .error(400, "ExpiredToken") : .respond(200, ["ETag": "\"e\""], [1, 2])
        }
        defer {
            machine.stop()
            server.stop()
        }
        let client = try TestClients.client(server.url, credentials: machineChain(machine))
        defer { client.close() }
        #expect(try client.read("k") == [1, 2])
        #expect(server.requests.map { $0["x-amz-security-token"] } == ["t", "t"])
    }
}
