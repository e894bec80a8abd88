internal import Files
internal import Glibc
internal import NIOHTTP1
internal import Text

/// Keys of the role of a container, from the address that ECS and EKS Pod Identity put into its environment.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
struct ContainerCredentials: KeySource {
    static let service = "the container's credentials service"

    private let environment: [String: String]
    private let client: MetadataClient

    init(_ environment: [String: String]) {
        self.environment = environment
        client = MetadataClient(timeout: 2000)
    }

    private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    func find() throws(S3Error) -> S3Keys? {
        guard let url = try url() else { return nil }
        return try client.keys { (transport) throws(S3Error) in
            let headers = try token().map { [("authorization", $0)] } ?? []
            return try MetadataClient.keys(
                try MetadataClient.text(transport, .GET, url, headers, service: Self.service), service: Self.service)
        }
    }

    func forget(_ keys: S3Keys) { client.forget(keys) }

    private func url() throws(S3Error) -> String? {
        if let path = value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            guard path.hasBytePrefix("/"), Self.isPlain(path) else {
                throw S3Error(.invalid, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path")
            }
            return "http://169.254.170.2" + path
        }
        guard let url = value("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return nil }
        guard Self.isPlain(url), Self.isSafe(url) else {
            throw S3Error(
                .invalid,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine or its host",
                hint: "use https, 127.0.0.1, [::1], 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]")
        }
        return url
    }

    /// The token for the header `Authorization`. Its file is read each time, because it is renewed.
    private func token() throws(S3Error) -> String? {
        var token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        if let path = value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            do throws(FileFailure) {
                let file = try Descriptor.open(path, O_RDONLY)
                defer { close(file) }
                var bytes = try Descriptor.rest(file, atMost: 65_536, path: path)[...]
                while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
                token = String(decoding: bytes, as: UTF8.self)
            } catch {
                throw S3Error(
                    .invalid, "the file AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names cannot be read: \(error.reason)",
                    key: path)
            }
        }
        guard let token else { return nil }
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw S3Error(.invalid, "the container's authorization token is empty or has a control character")
        }
        return token
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.count <= 2048 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Only these may get the token without TLS.
    private static func isSafe(_ url: String) -> Bool {
        if url.hasBytePrefix("https://") { return true }
        guard url.hasBytePrefix("http://") else { return false }
        let authority = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard Authority.isUsable(authority), !authority.contains("@") else { return false }
        let host =
            authority.hasPrefix("[")
            ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isLoopback = parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        return isLoopback
            || ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(String(host))
    }
}
