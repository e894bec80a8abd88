import Glibc
import Synchronization

/// Stands between a client and a server, one request for each connection, and spoils the requests that a rule names.
final class FaultProxy: Sendable {
    enum Fault: Sendable {
        /// Answers with a status and the code of an S3 error.
        case status(Int, code: String)
        /// Ends the connection after this many bytes of the server's answer, its head included.
        case cut(after: Int)
    }

    /// Says what happens to a request by its first line, such as `GET /bucket/key HTTP/1.1`; nil passes it on.
    typealias Rule = @Sendable (String) -> Fault?

    let port: UInt16
    private let listener: Int32
    private let upstream: UInt16
    private let rule = Mutex<Rule>({ _ in nil })
    private let seen = Mutex<[String]>([])

    /// Listens on a free port of this machine for a server on another port.
    init(upstream: UInt16) throws {
        self.upstream = upstream
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | closesOnExec, 0)
        self.listener = listener
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) != 0 || listen(listener, 64) != 0 || getsockname(listener, $0, &length) != 0
            }
        }
        guard listener >= 0, !failed else { throw ProxyError() }
        port = UInt16(bigEndian: address.sin_port)
        let handle: @Sendable (Int32) -> Void = { [weak self] client in self?.serve(client) }
        _ = ThreadOfTest {
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    return
                }
                _ = ThreadOfTest {
                    handle(client)
                    close(client)
                }
            }
        }
    }

    deinit {
        // Ends the call of accept.
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    struct ProxyError: Error {}

    /// What happens to requests from now on.
    func spoil(_ rule: @escaping Rule) { self.rule.withLock { $0 = rule } }

    /// The first lines of all requests since the last call.
    func requests() -> [String] {
        seen.withLock { lines in
            defer { lines.removeAll() }
            return lines
        }
    }

    // MARK: One connection

    private func serve(_ client: Int32) {
        var input: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        var head: Int?
        while head == nil {
            guard let more = Self.receive(client) else { return }
            input += more
            head = Self.find(end, in: input).map { $0 + end.count }
        }
        guard let head else { return }
        var lines = String(decoding: input[..<(head - end.count)], as: UTF8.self).split(separator: "\r\n").map(
            String.init)
        guard let first = lines.first else { return }
        seen.withLock { $0.append(first) }
        let length =
            lines.compactMap { line -> Int? in
                line.lowercased().hasPrefix("content-length:") ? Int(line.dropFirst(15).drop { $0 == " " }) : nil
            }.first ?? 0
        while input.count < head + length {
            guard let more = Self.receive(client) else { return }
            input += more
        }
        let fault = rule.withLock { $0 }(first)
        if case .status(let status, let code) = fault {
            let body = first.hasPrefix("HEAD ") ? "" : "<Error><Code>\(code)</Code><Message>spoiled</Message></Error>"
            Self.send(
                client,
                Array(
                    "HTTP/1.1 \(status) Spoiled\r\nContent-Type: application/xml\r\nContent-Length: \(body.utf8.count)\r\n"
                        .utf8) + Array("Connection: close\r\n\r\n\(body)".utf8))
            return
        }
        lines.removeAll { $0.lowercased().hasPrefix("connection:") }
        lines.append("Connection: close")
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + input[head..<(head + length)]
        var left = Int.max
        if case .cut(let after) = fault { left = after }
        relay(request, to: client, atMost: left)
    }

    private func relay(_ request: [UInt8], to client: Int32, atMost most: Int) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | closesOnExec, 0)
        guard server >= 0 else { return }
        defer { close(server) }
        var address = Self.address(upstream)
        let failed = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard failed == 0, Self.send(server, request) else { return }
        var left = most
        while left > 0, let bytes = Self.receive(server) {
            guard Self.send(client, Array(bytes.prefix(left))) else { return }
            left -= bytes.count
        }
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func find(_ mark: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= mark.count else { return nil }
        return (0...(bytes.count - mark.count)).first { bytes[$0..<($0 + mark.count)].elementsEqual(mark) }
    }

    private static func receive(_ socket: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    @discardableResult
    private static func send(_ socket: Int32, _ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(socket, raw.baseAddress.map { $0 + done }, raw.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

private let closesOnExec = Int32(SOCK_CLOEXEC.rawValue)

/// A flag that threads share.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
