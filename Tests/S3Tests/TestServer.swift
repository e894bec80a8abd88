import Foundation
import Glibc
import Synchronization

/// An HTTP server over plain sockets that answers byte for byte what a test tells it to, one thread for each connection.
final class TestServer: Sendable {
    /// One request as it arrived.
    struct Request: Sendable {
        var method: String
        /// Path and query as they were sent, not decoded.
        var target: String
        /// Lower-case names.
        var headers: [(name: String, value: String)]
        var body: [UInt8]

        subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    }

    /// What a handler does with a request.
    enum Answer: Sendable {
        case bytes([UInt8])
        /// The bytes, and then the end of the connection.
        case cut([UInt8])
        /// The end of the connection with a reset, and no answer.
        case lost

        static func respond(
            _ status: Int, _ headers: [String: String] = [:], _ body: [UInt8] = [], length: Int? = nil
        ) -> Answer {
            var lines = ["HTTP/1.1 \(status) Status"]
            for (name, value) in headers { lines.append("\(name): \(value)") }
            lines += ["Content-Length: \(length ?? body.count)", "", ""]
            let bytes = Array(lines.joined(separator: "\r\n").utf8) + body
            return length == nil || length == body.count ? .bytes(bytes) : .cut(bytes)
        }

        static func respond(_ status: Int, _ headers: [String: String] = [:], text: String) -> Answer {
            respond(status, headers, Array(text.utf8))
        }

        static func error(_ status: Int, _ code: String, _ headers: [String: String] = [:]) -> Answer {
            respond(
                status, headers,
                text: "<?xml version='1.0'?><Error><Code>\(code)</Code><Message>words of the server</Message></Error>")
        }

        /// An answer to HEAD: a length without a body.
        static func head(_ size: Int, _ headers: [String: String]) -> Answer {
            let lines = headers.map { "\($0): \($1)" }.joined(separator: "\r\n")
            return .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\(lines)\r\n\r\n".utf8))
        }
    }

    let port: Int
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    private let handler: @Sendable (Request, Int) -> Answer

    /// All requests so far.
    var requests: [Request] { seen.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameter handler: gets a request and how many came before it.
    init(_ handler: @escaping @Sendable (Request, Int) -> Answer) {
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

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func accept() {
        defer { close(listener) }
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            if descriptor < 0 { return }
            let thread = Thread { [self] in serve(descriptor) }
            thread.stackSize = 512 << 10
            thread.start()
        }
    }

    private func serve(_ descriptor: Int32) {
        defer { close(descriptor) }
        var buffer: [UInt8] = []
        while let request = Self.read(descriptor, &buffer) {
            let index = seen.withLock { seen in
                seen.append(request)
                return seen.count - 1
            }
            switch handler(request, index) {
            case .bytes(let bytes): guard Self.write(descriptor, bytes) else { return }
            case .cut(let bytes):
                Self.write(descriptor, bytes)
                return
            case .lost:
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
                return
            }
        }
    }

    @discardableResult
    static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        // A client that went away is no reason to end the tests.
        let flags = Int32(MSG_NOSIGNAL)
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Request? {
        func more() -> Bool {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 { buffer += chunk[..<count] }
            return count > 0
        }
        let mark = Array("\r\n\r\n".utf8)
        var scanned = 0
        while true {
            if let end = (scanned..<max(scanned, buffer.count - 3)).first(where: {
                buffer[$0..<$0 + 4].elementsEqual(mark)
            }) {
                let lines = String(decoding: buffer[..<end], as: UTF8.self).components(separatedBy: "\r\n")
                let words = lines[0].split(separator: " ")
                let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
                    guard let colon = line.firstIndex(of: ":") else { return nil }
                    let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                    return (line[..<colon].lowercased(), value)
                }
                let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
                let start = end + 4
                while buffer.count < start + length { guard more() else { return nil } }
                let body = Array(buffer[start..<start + length])
                buffer.removeFirst(start + length)
                guard words.count == 3 else { return nil }
                return Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
            }
            scanned = max(0, buffer.count - 3)
            guard more() else { return nil }
        }
    }
}
