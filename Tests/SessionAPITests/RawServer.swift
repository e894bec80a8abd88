import Foundation
import Glibc
import Synchronization

/// An HTTP server that answers byte for byte what a test tells it to, over plain sockets, one thread per connection.
final class RawServer: Sendable {
    /// One request as it arrived.
    struct Request: Sendable {
        var method: String
        /// Path and query as they were sent, not decoded.
        var target: String
        var headers: [String: String]
        var body: String
    }

    /// The server's end of a connection.
    struct Peer: Sendable {
        let descriptor: Int32

        @discardableResult
        func write(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            // 0x4000 is MSG_NOSIGNAL: a client that went away is no reason to end the tests.
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0x4000) }
                if count <= 0 { return false }
                sent += count
            }
            return true
        }

        @discardableResult
        func write(_ text: String) -> Bool { write(Array(text.utf8)) }

        func respond(_ status: String, _ headers: [String] = [], _ body: String = "") {
            let lines = ["HTTP/1.1 \(status)"] + headers + ["Content-Length: \(body.utf8.count)", "", body]
            write(lines.joined(separator: "\r\n"))
        }

        /// Ends the connection the hard way.
        func reset() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        }

        /// Waits until the client has gone away.
        func waitForClose() {
            var byte: UInt8 = 0
            while recv(descriptor, &byte, 1, 0) > 0 {}
        }
    }

    enum Next {
        case keepOpen
        case close
    }

    let port: Int
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    private let accepted = Mutex(0)
    private let stopped = Mutex(false)
    private let handler: @Sendable (Request, Peer) -> Next

    var requests: [Request] { seen.withLock { $0 } }
    /// How many connections were made.
    var connections: Int { accepted.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    init(_ handler: @escaping @Sendable (Request, Peer) -> Next) {
        self.handler = handler
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(descriptor, $0, length) == 0 && listen(descriptor, 4096) == 0)
                getsockname(descriptor, $0, &length)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [self] in accept() }.start()
    }

    /// Ends the listener once. The thread that accepts closes it: a close here would give its number to the next server, whose
    /// connections that thread could then take.
    func stop() {
        guard
            stopped.withLock({ stopped in
                defer { stopped = true }
                return !stopped
            })
        else { return }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        defer { close(listener) }
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            if descriptor < 0 { return }
            accepted.withLock { $0 += 1 }
            let thread = Thread { [self] in serve(Peer(descriptor: descriptor)) }
            thread.stackSize = 256 << 10
            thread.start()
        }
    }

    private func serve(_ peer: Peer) {
        defer { close(peer.descriptor) }
        var buffer: [UInt8] = []
        while let request = Self.read(peer.descriptor, &buffer) {
            seen.withLock { $0.append(request) }
            if handler(request, peer) == .close { return }
        }
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Request? {
        func more() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 16_384)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 { buffer += chunk[..<count] }
            return count > 0
        }
        while true {
            let text = String(decoding: buffer, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
                let words = lines[0].split(separator: " ")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                        in: .whitespaces)
                }
                let start = text[..<end.upperBound].utf8.count
                let length = headers["content-length"].flatMap(Int.init) ?? 0
                while buffer.count < start + length { guard more() else { return nil } }
                let body = String(decoding: buffer[start..<start + length], as: UTF8.self)
                buffer.removeFirst(start + length)
                return Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
            }
            guard more() else { return nil }
        }
    }
}
