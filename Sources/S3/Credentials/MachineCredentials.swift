internal import NIOHTTP1
internal import Text

/// Keys of the role of an EC2 instance, from its metadata service, version 2.
/// Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
struct MachineCredentials: KeySource {
    static let service = "the instance metadata service"

    private let base: String?
    private let client: MetadataClient

    init(_ environment: [String: String]) {
        let isDisabled = environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true"
        let endpoint = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 }
        var base = endpoint ?? "http://169.254.169.254"
        while base.hasSuffix("/") { base.removeLast() }
        self.base = isDisabled ? nil : base
        let seconds = environment["AWS_METADATA_SERVICE_TIMEOUT"].flatMap { Int64($0) } ?? 1
        client = MetadataClient(timeout: min(max(1, seconds), 60) * 1000)
    }

    func find() throws(S3Error) -> S3Keys? {
        guard let base else { return nil }
        return try client.keys { (transport) throws(S3Error) in
            func text(_ path: String, _ token: String) throws(S3Error) -> [UInt8] {
                try MetadataClient.text(
                    transport, .GET, "\(base)/latest/meta-data/iam/security-credentials/\(path)",
                    [("x-aws-ec2-metadata-token", token)], service: Self.service)
            }
            let token = try MetadataClient.text(
                transport, .PUT, "\(base)/latest/api/token", [("x-aws-ec2-metadata-token-ttl-seconds", "21600")],
                service: Self.service)
            let pass = try Self.word(token, "token")
            let role = try Self.word(try text("", pass).prefix { $0 != 0x0A && $0 != 0x0D }, "role")
            return try MetadataClient.keys(try text(Percent.encode(role), pass), service: Self.service)
        }
    }

    func forget(_ keys: S3Keys) { client.forget(keys) }

    /// An answer as a part of a header or an address.
    private static func word(_ bytes: some Collection<UInt8>, _ what: String) throws(S3Error) -> String {
        guard !bytes.isEmpty, bytes.count <= 4096, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw S3Error(.denied, "the answer of \(service) has no valid \(what)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
