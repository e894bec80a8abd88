import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import SessionAPI
import Synchronization
import Testing

/// Connections through a proxy, with given certificates, and over the caller's own HTTP client.
@Suite struct TransportTests {
    private static let exists: @Sendable (RawServer.Request, RawServer.Peer) -> RawServer.Next = { _, peer in
        peer.respond("200 OK", [], #"{"exists":true}"#)
        return .keepOpen
    }

    private func asked(_ client: SessionAPIClient) async throws(APIError) -> Bool {
        try await client.tagExists(region: "r", image: "i", version: "v")
    }

    @Test func aProxyOpensATunnel() async throws {
        let server = RawServer(Self.exists)
        let login = "Basic " + Data("me:pass:word".utf8).base64EncodedString()
        let proxy = ConnectProxy(login: login)
        var configuration = SessionAPIClient.Configuration(baseURL: server.url) { testToken }
        configuration.proxy = .init(host: "127.0.0.1", port: proxy.port, user: "me", password: "pass:word")
        let client = try SessionAPIClient(configuration)
        #expect(try await asked(client))
        #expect(proxy.opened == ["127.0.0.1:\(server.port)"])
        #expect(server.requests.map(\.target) == ["/tag/r/i/v"])
        // What is for the proxy does not go on to the server.
        #expect(server.requests[0].headers["proxy-authorization"] == nil)
        await client.shutdown()

        configuration.proxy?.password = "other"
        let refused = try SessionAPIClient(configuration)
        let error = await failure { () async throws(APIError) in try await asked(refused) }
        #expect(error?.kind == .network && error?.message.contains("proxy") == true, "\(error as Any)")
        #expect(error?.mayHaveActed == false)
        await refused.shutdown()
        proxy.stop()
        let gone = try SessionAPIClient(configuration)
        #expect(await failure { () async throws(APIError) in try await asked(gone) }?.kind == .network)
        await gone.shutdown()
        server.stop()
    }

    /// A real TLS server with a certificate made for the test, and where its certificate lies.
    private static func withTLSServer(_ body: (_ url: String, _ certificate: String) async throws -> Void) async throws
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("tag/r/i"), withIntermediateDirectories: true)
        try "HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"exists\":true}".write(
            to: folder.appendingPathComponent("tag/r/i/v"), atomically: true, encoding: .utf8)
        func openssl(_ arguments: [String]) throws -> Process {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments = arguments
            process.currentDirectoryURL = folder
            process.standardInput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            return process
        }
        let maker = try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem",
            "-out",
            "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        try maker.run()
        maker.waitUntilExit()
        try #require(maker.terminationStatus == 0)
        let server = try openssl([
            "s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem", "-HTTP",
        ])
        let output = Pipe()
        server.standardOutput = output
        try server.run()
        defer {
            // It was started with the signals blocked that this thread blocks, SIGTERM among them.
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }
        var said = ""
        var port: Substring?
        while port == nil {
            let data = output.fileHandleForReading.availableData
            try #require(!data.isEmpty, "openssl s_server ended: \(said)")
            said += String(decoding: data, as: UTF8.self)
            port = said.firstMatch(of: /ACCEPT 127\.0\.0\.1:([0-9]+)\n/)?.1
        }
        try await body("https://127.0.0.1:\(try #require(port))", folder.appendingPathComponent("cert.pem").path)
    }

    @Test func aServerWithACertificateOfOnesOwn() async throws {
        try await Self.withTLSServer { url, certificate in
            var configuration = SessionAPIClient.Configuration(baseURL: url) { testToken }
            let distrusting = try SessionAPIClient(configuration)
            let error = await failure { () async throws(APIError) in try await asked(distrusting) }
            #expect(error?.kind == .network && error?.mayHaveActed == false, "\(error as Any)")
            #expect(error?.message.contains("CERTIFICATE_VERIFY_FAILED") == true, "\(error as Any)")
            await distrusting.shutdown()
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: certificate)))
            for authorities in [SessionAPIClient.Authorities.file(certificate), .pem(bytes)] {
                configuration.authorities = authorities
                let client = try SessionAPIClient(configuration)
                #expect(try await asked(client))
                await client.shutdown()
            }
            // Through a proxy too: TLS is spoken inside of the tunnel.
            let proxy = ConnectProxy()
            configuration.proxy = .init(host: "127.0.0.1", port: proxy.port)
            let client = try SessionAPIClient(configuration)
            #expect(try await asked(client))
            #expect(proxy.opened.count == 1)
            await client.shutdown()
            proxy.stop()
        }
    }

    @Test func certificatesThatAreNone() throws {
        for authorities in [SessionAPIClient.Authorities.file("/nowhere/ca.pem"), .pem([]), .pem(Array("hello".utf8))] {
            var configuration = SessionAPIClient.Configuration(baseURL: "https://localhost") { testToken }
            configuration.authorities = authorities
            let error = #expect(throws: APIError.self) { try SessionAPIClient(configuration) }
            #expect(error?.kind == .invalidArgument, "\(authorities)")
            if case .file = authorities { #expect(error?.message.contains("/nowhere/ca.pem") == true) }
        }
    }

    @Test func anHTTPClientOfTheCallersStaysOpen() async throws {
        let server = RawServer(Self.exists)
        var settings = HTTPClient.Configuration(redirectConfiguration: .disallow)
        settings.httpVersion = .http1Only
        let transport = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: settings)
        for _ in 0..<2 {
            let client = try SessionAPIClient(.init(baseURL: server.url) { testToken }, transport: transport)
            #expect(try await asked(client))
            await client.shutdown()
            // Still open, for this client and for everybody else.
            #expect(try await asked(client))
        }
        #expect(try await transport.get(url: server.url + "/x").get().status == .ok)
        try await transport.shutdown()
        server.stop()
    }

    @Test func oneLineIsLoggedForEachCall() async throws {
        let lines = Lines()
        var logger = Logger(label: "api") { _ in lines }
        logger.logLevel = .trace
        try await withServer { request, peer in
            switch request.target {
            case "/session/bad": peer.respond("404 Gone", [], #"{"message":"no \#(testToken)"}"#)
            case "/session/odd": peer.respond("200 OK", [], "{}")
            default: peer.respond("200 OK", [], request.target == "/session" ? #"{"sessions":[]}"# : #"{"id":"a"}"#)
            }
            return .keepOpen
        } configure: {
            $0.logger = logger
        } _: { client, server in
            _ = try await client.describeSession("a")
            _ = await failure { () async throws(APIError) in try await client.describeSession("bad") }
            _ = await failure { () async throws(APIError) in try await client.describeSession("odd") }
            _ = try await client.sessionList()
            _ = await collect(try await client.artifacts(session: "a", path: "/p").body)
            server.stop()
            let nowhere = client.limited(to: .milliseconds(1))
            _ = await failure { () async throws(APIError) in try await nowhere.describeSession("late") }
        }
        let all = lines.all
        #expect(all.count == 6, "\(all)")
        let facts = all.map { line in
            ["operation", "session", "status", "error"].map { line.metadata[$0] ?? "-" }.joined(separator: " ")
        }
        #expect(
            facts.prefix(5) == [
                "describe-session a 200 -", "describe-session bad 404 not_found",
                "describe-session odd 200 invalid_answer", "session-list - 200 -", "artifacts a 200 -",
            ])
        #expect(all.map(\.level) == [.info, .warning, .warning, .info, .info, .warning])
        #expect(all.allSatisfy { Int($0.metadata["milliseconds"] ?? "") != nil })
        #expect(!all.contains { "\($0)".contains(testToken) })
    }
}

/// A log kept in memory.
private final class Lines: LogHandler, Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let lines = Mutex<[Line]>([])
    var all: [Line] { lines.withLock { $0 } }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
        lines.withLock { $0.append(Line(level: event.level, message: "\(event.message)", metadata: metadata)) }
    }
}
