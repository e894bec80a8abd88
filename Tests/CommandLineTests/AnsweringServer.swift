import Foundation
import Glibc
import Synchronization

/// An HTTP server that answers with the bytes that a test chose, which the sandbox, being a good server, would not send.
/// One thread per connection, so that tests which wait for a program do not keep it from answering.
final class AnsweringServer: Sendable {
    /// A request's path, and its query decoded to bytes.
    struct Request: Sendable {
        let path: [UInt8]
        let query: [String: [UInt8]]
        var body: [UInt8] = []
        /// The request line and the headers.
        var head = ""
    }

    struct Answer: Sendable {
        var status = 200
        var body: [UInt8]
        var headers: [String] = []

        static func json(_ text: String) -> Answer { Answer(body: Array(text.utf8)) }
        static let notFound = Answer(status: 404, body: Array(#"{"code":"NOT_FOUND","message":"no"}"#.utf8))
    }

    let url: String
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    private let answer: @Sendable (Request) -> Answer

    /// The requests so far.
    var requests: [Request] { seen.withLock { $0 } }

    init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard code else { throw POSIXError(.EADDRNOTAVAIL) }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        Thread.detachNewThread { [weak self] in
            defer { close(descriptor) }
            while true {
                let peer = accept(descriptor, nil, nil)
                guard peer >= 0 else { return }
                guard let server = self else {
                    close(peer)
                    return
                }
                Thread.detachNewThread { server.serve(peer) }
            }
        }
    }

    /// Ends the listener; the thread that accepts closes it. A close here would give its number to the next server, whose
    /// connections that thread could then take. Call it once.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ peer: Int32) {
        defer { close(peer) }
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard recv(peer, &byte, 1, 0) == 1, head.count < 1 << 16 else { return }
            head.append(byte)
        }
        let words = head.split(separator: 0x20)
        guard words.count > 1 else { return }
        let target = words[1].split(separator: UInt8(ascii: "?"), maxSplits: 1)
        var query: [String: [UInt8]] = [:]
        for pair in target.dropFirst().first?.split(separator: UInt8(ascii: "&")) ?? [] {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1)
            query[String(decoding: parts[0], as: UTF8.self)] = parts.count > 1 ? Self.decoded(parts[1]) : []
        }
        let request = Request(
            path: target.first.map { Self.decoded($0) } ?? [], query: query,
            body: Self.body(of: head, from: peer), head: String(decoding: head, as: UTF8.self))
        seen.withLock { $0.append(request) }
        let answer = answer(request)
        // Closes without a word.
        if answer.status == 0 { return }
        let lines =
            [
                "HTTP/1.1 \(answer.status) X", "Connection: close", "Content-Length: \(answer.body.count)",
            ] + answer.headers + ["", ""]
        let bytes = Array(lines.joined(separator: "\r\n").utf8) + answer.body
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(peer, $0.baseAddress, $0.count, 0x4000) }
            if count <= 0 { return }
            sent += count
        }
    }

    /// The body that a request announces.
    private static func body(of head: [UInt8], from peer: Int32) -> [UInt8] {
        let lines = String(decoding: head, as: UTF8.self).lowercased().components(separatedBy: "\r\n")
        let length = lines.lazy.filter { $0.hasPrefix("content-length:") }.compactMap {
            Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces))
        }.first
        var body = [UInt8](repeating: 0, count: min(length ?? 0, 1 << 20))
        var received = 0
        while received < body.count {
            let count = body[received...].withUnsafeMutableBytes { recv(peer, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { break }
            received += count
        }
        return body
    }

    private static func decoded(_ text: some Collection<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return out
    }
}

/// A Session API of ended sessions, each with a log that names it.
struct EndedFleet {
    let scratch: Scratch
    let server: AnsweringServer
    let environment: [String: String]

    /// - Parameters:
    ///   - list: the answer to session-list, byte for byte.
    ///   - logs: the log of a session, by the bytes of its id; nil for 404.
    ///   - artifact: the archive of a session, and of a path.
    init(
        list: @escaping @Sendable () -> [UInt8], logs: @escaping @Sendable ([UInt8]) -> [UInt8]?,
        artifact: @escaping @Sendable ([UInt8], [UInt8]) -> [UInt8]? = { _, _ in nil },
        describe: @escaping @Sendable ([UInt8]) -> [UInt8]? = { _ in nil }, artifacts: [String] = []
    ) throws {
        scratch = try Scratch()
        server = try AnsweringServer { request in
            func found(_ body: [UInt8]?) -> AnsweringServer.Answer { body.map { .init(body: $0) } ?? .notFound }
            if request.path.elementsEqual("/session".utf8) {
                // What runs is nothing; what ended is named only when all are asked for.
                return request.query["all"] == nil ? .json(#"{"sessions":[]}"#) : found(list())
            }
            if request.path.elementsEqual("/logs".utf8) { return found(logs(request.query["id"] ?? [])) }
            if request.path.elementsEqual("/artifacts".utf8) {
                return found(artifact(request.query["session"] ?? [], request.query["path"] ?? []))
            }
            return found(describe(Array(request.path.dropFirst("/session/".utf8.count))))
        }
        let config = scratch.path("salvage.yaml")
        let paths = artifacts.map { "\"\($0)\"" }.joined(separator: ", ")
        try
            "store: \(scratch.path("store"))\napi:\n  url: \(server.url)\nrules:\n  - name: all\n    artifacts: [\(paths)]\n"
            .write(toFile: config, atomically: true, encoding: .utf8)
        environment = ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "secret"]
    }

    @discardableResult
    func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: environment)
    }

    /// The ids in the store, in bytes, and the state of each.
    func states() throws -> [[UInt8]: String] {
        try salvage("sessions", "--json").objects.reduce(into: [:]) {
            $0[Array(($1["session"] as? String ?? "").utf8)] = $1["state"] as? String
        }
    }
}
