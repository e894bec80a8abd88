import Foundation
import Glibc
import Testing

/// The real `salvage serve` over a store, and requests to it over plain sockets.
final class ServeStage {
    /// A response, read until the connection ends.
    struct Answer {
        let status: Int
        let head: String
        let body: String

        /// The value of the first header with this name.
        func header(_ name: String) -> String? {
            head.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }.map {
                $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            }
        }

        var object: [String: Any] {
            ((try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any]) ?? [:]
        }

        var items: [[String: Any]] { object["items"] as? [[String: Any]] ?? [] }
    }

    let scratch: Scratch
    private(set) var port: UInt16 = 0
    private var process: Process?

    var store: String { scratch.path("store") }

    init() throws { scratch = try Scratch() }

    deinit {
        process?.terminate()
        process?.waitUntilExit()
    }

    // MARK: The store

    /// A log in which a server crashes in a function.
    static func crashLog(_ function: String) -> String {
        """
        [2026.11.21-01.00.00:000][1]LogInit: hello
        [2026.11.21-01.00.01:000][2]LogCore: Error: === Critical error: ===
        [2026.11.21-01.00.01:000][2]LogCore: Error: Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x0000000000000018
        [2026.11.21-01.00.01:000][2]LogCore: Error: [Callstack] 0x00000000021a3f10 GameServer!\(function)(FVector const&) [Weapon.cpp:212]
        [2026.11.21-01.00.01:000][2]LogCore: Error: [Callstack] 0x00000000021a3e10 GameServer!UMatch::Tick(float) [Match.cpp:40]
        [2026.11.21-01.00.01:000][2]LogCore: Error: end: stack for UAT

        """
    }

    /// Takes in a log as a session.
    func ingest(_ session: String, _ log: String, tag: String = "1.0") throws {
        let folder = scratch.url.appendingPathComponent("in-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(log.utf8).write(to: folder.appendingPathComponent("Game.log"))
        let outcome = try Program.run([
            "ingest", "--store", store, "--session", session, "--image", "arena", "--tag", tag, "--location", "eu",
            "--created", "2026-11-21T01:00:00Z", "--exited", "2026-11-21T01:00:05Z", folder.path,
        ])
        try #require(outcome.status == 0, "\(outcome.out)\(outcome.err)")
    }

    // MARK: The server

    /// Starts the server and waits until it listens.
    func start(_ flags: String...) throws {
        let process = Process()
        process.executableURL = Program.salvage
        process.arguments = ["serve", "--store", store, "--listen", "127.0.0.1:0"] + flags
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": scratch.url.path, "SWIFT_BACKTRACE": "enable=no"]
        process.currentDirectoryURL = scratch.url
        process.standardInput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        self.process = process
        var said = ""
        while !said.contains("\n") {
            let bytes = errors.fileHandleForReading.availableData
            if bytes.isEmpty { break }
            said += String(decoding: bytes, as: UTF8.self)
        }
        port = try #require(
            said.split(separator: " ").last.flatMap { UInt16($0.trimmingCharacters(in: .newlines)) }, "\(said)")
    }

    /// Sends a signal.
    func send(signal number: Int32) { if let process { kill(process.processIdentifier, number) } }

    /// Sends SIGTERM and waits; returns the exit code.
    func stop() -> Int32 {
        guard let process else { return -1 }
        process.terminate()
        process.waitUntilExit()
        self.process = nil
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Makes a token file; returns the tokens in the order of their roles.
    func tokens(_ roles: String...) throws -> (file: String, tokens: [String]) {
        var text = ""
        var tokens: [String] = []
        for (index, roles) in roles.enumerated() {
            let made = try Program.run(["serve", "token", "user\(index)", roles, "--quiet"])
            try #require(made.status == 0, "\(made.err)")
            let lines = made.out.split(separator: "\n").map { $0.dropFirst(7) }
            tokens.append(String(lines[0]))
            text += lines[1] + "\n"
        }
        let file = scratch.path("tokens")
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        return (file, tokens)
    }

    // MARK: Requests

    /// Connects; the caller closes the descriptor.
    func connect() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        return descriptor
    }

    static func send(_ descriptor: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads until the connection ends or `isEnough` says so.
    static func read(_ descriptor: Int32, until isEnough: (String) -> Bool = { _ in false }) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count <= 0 { break }
            bytes += chunk[..<count]
            if isEnough(String(decoding: bytes, as: UTF8.self)) { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text of a request that ends its connection.
    static func request(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8] = []
    ) -> [UInt8] {
        var all = ["Host": "localhost", "Connection": "close"].merging(headers) { _, new in new }
        if !body.isEmpty { all["Content-Length"] = "\(body.count)" }
        let lines = all.map { "\($0.key): \($0.value)\r\n" }.joined()
        return Array("\(method) \(path) HTTP/1.1\r\n\(lines)\r\n".utf8) + body
    }

    /// Sends a request and reads the response.
    func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8] = []
    ) throws -> Answer {
        let descriptor = try connect()
        defer { close(descriptor) }
        Self.send(descriptor, Self.request(method, path, headers, body: body))
        return Self.answer(Self.read(descriptor))
    }

    func get(_ path: String, token: String? = nil) throws -> Answer {
        try send("GET", path, token.map { ["Authorization": "Bearer \($0)"] } ?? [:])
    }

    func json(_ method: String, _ path: String, _ body: String, _ headers: [String: String]) throws -> Answer {
        try send(
            method, path, headers.merging(["Content-Type": "application/json"]) { old, _ in old },
            body: Array(body.utf8))
    }

    private static func answer(_ text: String) -> Answer {
        guard let end = text.range(of: "\r\n\r\n") else { return Answer(status: 0, head: text, body: "") }
        let head = String(text[..<end.lowerBound])
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var body = String(text[end.upperBound...])
        if head.lowercased().contains("transfer-encoding: chunked") { body = unchunked(Array(body.utf8)) }
        return Answer(status: status, head: head, body: body)
    }

    private static func unchunked(_ bytes: [UInt8]) -> String {
        var rest = bytes[...]
        var out: [UInt8] = []
        while let line = rest.firstIndex(of: 0x0A) {
            let size = String(decoding: rest[..<line], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let count = Int(size, radix: 16), count > 0 else { break }
            rest = rest[(line + 1)...]
            out += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return String(decoding: out, as: UTF8.self)
    }
}
