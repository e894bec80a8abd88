import Foundation
import Synchronization
import Testing

/// A server of plain sockets, one thread a connection: what it sends is up to the test, HTTP or not.
private final class PlainServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let asked = Mutex<[String]>([])

    /// The first lines of all requests so far.
    var requests: [String] { asked.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    /// `answer` gets the request's first line and a way to send, which returns false once the client has gone.
    init(_ answer: @escaping @Sendable (String, (String) -> Bool) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name -> UInt16 in
                guard bind(listener, name, length) == 0, listen(listener, 512) == 0,
                    getsockname(listener, name, &length) == 0
                else { return 0 }
                return pointer.pointee.sin_port.bigEndian
            }
        }
        self.listener = listener
        try #require(port != 0)
        Thread.detachNewThread { [self] in
            defer { close(listener) }
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 { return }
                Thread.detachNewThread { self.serve(connection, answer) }
            }
        }
    }

    private func serve(_ connection: Int32, _ answer: (String, (String) -> Bool) -> Void) {
        defer { close(connection) }
        var text = ""
        var chunk = [UInt8](repeating: 0, count: 8192)
        while !text.contains("\r\n\r\n") {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            text += String(decoding: chunk[..<count], as: UTF8.self)
        }
        let line = text.components(separatedBy: "\r\n")[0]
        asked.withLock { $0.append(line) }
        answer(line) { piece in
            var rest = Array(piece.utf8)[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { bytes in
                    send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return false }
                rest = rest.dropFirst(sent)
            }
            return true
        }
    }

    /// Ends the listener; the thread that accepts closes it. A close here would give its number to the next server, whose
    /// connections that thread could then take. Call it once.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}

extension ServerSuites {
    /// The real program against servers that never finish a response, and clients of `/metrics` that never finish a request.
    @Suite(.serialized) struct HostileServerTests {
        private static let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

        private func environment(
            _ server: PlainServer, _ scratch: Scratch, _ more: String = ""
        ) throws -> [String: String] {
            let config = scratch.path("salvage.yaml")
            try "store: \(scratch.path("store"))\napi: { url: \"\(server.url)\" }\n\(more)\n".write(
                toFile: config, atomically: true, encoding: .utf8)
            return ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "a-secret-token"]
        }

        /// Each of these servers sends, or is silent, for as long as the program listens: the test is that the program ends.
        @Test(.timeLimit(.minutes(5)), arguments: ["silent", "head", "trickle", "endless"])
        func aPassEndsWithinItsTime(_ manner: String) throws {
            let scratch = try Scratch()
            let server = try PlainServer { _, send in
                switch manner {
                case "silent": sleep(600)
                case "head":
                    while send("H") { usleep(100_000) }
                case "trickle":
                    _ = send(Self.head + #"{"sessions":["#)
                    while send(" ") { usleep(100_000) }
                default:
                    _ = send(Self.head + #"{"sessions":[{"id":"a-0","status":"running"}"#)
                    var number = 0
                    while true {
                        let more = (0..<500).map { #",{"id":"s-\#(number + $0)","status":"running"}"# }.joined()
                        guard send(more) else { break }
                        number += 500
                    }
                }
            }
            defer { server.stop() }
            let outcome = try Program.run(
                ["harvest", "--max-runtime", "4s"], environment: try environment(server, scratch))
            #expect(outcome.status == 75, "\(manner): \(outcome.out)\(outcome.err)")
            #expect(outcome.err.contains("hint:"), "\(manner): \(outcome.err)")
            #expect(!server.requests.isEmpty)
        }

        @Test(.timeLimit(.minutes(5))) func watchListsAgainAfterAListThatTrickled() throws {
            let scratch = try Scratch()
            let server = try PlainServer { _, send in
                _ = send(Self.head + #"{"sessions":["#)
                while send(" ") { usleep(50_000) }
            }
            defer { server.stop() }
            let running = try Program.start(
                ["watch"],
                environment: try environment(
                    server, scratch, "limits: { list: 300ms }\npoll: { running: 100ms, all: 100ms }"))
            while server.requests.count < 3, running.process.isRunning { usleep(20_000) }
            #expect(server.requests.count >= 3)
            running.process.terminate()
            let outcome = running.wait()
            #expect(outcome.status == 0, "\(outcome.out)\(outcome.err)")
            #expect(
                outcome.err.contains("list failed") && outcome.err.contains("was not complete after"), "\(outcome.err)")
        }

        private func connect(_ port: Int) -> Int32 {
            let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.connect(client, $0, size) }
            }
            return result == 0 ? client : -1
        }

        @Test(.timeLimit(.minutes(5))) func manyConnectionsToTheMetricsCostNeitherDescriptorsNorTheAnswer() throws {
            let scratch = try Scratch()
            let server = try PlainServer { _, send in _ = send(Self.head + #"{"sessions":[]}"#) }
            defer { server.stop() }
            let log = scratch.path("log")
            // exec, so that the program itself is what is looked at and ended.
            let running = try Program.Running(
                URL(fileURLWithPath: "/bin/sh"),
                ["-c", "exec \(Program.salvage.path) watch --metrics 127.0.0.1:0 2>\(log)"],
                environment: try environment(server, scratch))
            defer {
                running.process.terminate()
                _ = running.wait()
            }
            var port: Int?
            while port == nil, running.process.isRunning {
                let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                port = said.firstMatch(of: /metrics on port (\d+)/).flatMap { Int($0.1) }
                usleep(20_000)
            }
            let number = try #require(port)
            // Silent ones, and ones that send a header without end.
            var held: [Int32] = []
            defer { for client in held { close(client) } }
            for count in 0..<300 {
                let client = connect(number)
                guard client >= 0 else { break }
                held.append(client)
                if count % 2 == 0 { _ = send(client, "GET /metrics HTTP/1.1\r\nX: ", 26, Int32(MSG_NOSIGNAL)) }
            }
            #expect(held.count > 64)
            usleep(500_000)
            let open = try FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(running.process.processIdentifier)/fd")
            #expect(open.count < 150, "\(open.count) descriptors")
            // All of them are still connected; the answer comes as the server ends them one after the other.
            let client = connect(number)
            try #require(client >= 0)
            held.append(client)
            let request = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            #expect(send(client, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count)
            var answer = [UInt8](repeating: 0, count: 4096)
            let got = recv(client, &answer, answer.count, 0)
            #expect(String(decoding: answer[..<max(0, got)], as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        }
    }
}
