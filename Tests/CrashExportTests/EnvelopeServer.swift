import Foundation
import Glibc
import JSON
import Synchronization

/// A local server that speaks Sentry's envelope endpoint: it checks method, path, authentication and content encoding, reads
/// each envelope strictly, refuses when a test says so, and counts what it took by event id.
final class EnvelopeServer: Sendable {
    /// What it does with a request.
    enum Answer: Sendable {
        case status(Int, headers: [String] = [], text: String = "")
        /// Takes the envelope, and closes the connection without an answer.
        case cutAfterTaking
        /// Closes the connection before the envelope is read.
        case cut
        /// Says nothing until it is released.
        case hang
        /// Answers with bytes that are no HTTP.
        case garbage
    }

    private struct State {
        var answers: [Answer] = []
        var taken: [String: Int] = [:]
        var minidumps: [String: [UInt8]] = [:]
        var complaints: [String] = []
        var requests = 0
        var isHanging = true
    }

    static let key = "0123456789abcdefTOPSECRET"
    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    /// How often each event was taken.
    var taken: [String: Int] { state.withLock { $0.taken } }
    /// The minidump of each event that had one.
    var minidumps: [String: [UInt8]] { state.withLock { $0.minidumps } }
    /// What was wrong with requests.
    var complaints: [String] { state.withLock { $0.complaints } }
    var requests: Int { state.withLock { $0.requests } }
    var dsn: String { "http://\(Self.key)@127.0.0.1:\(port)/77" }

    /// - Parameter answers: the first answers; then 200.
    init(_ answers: [Answer] = []) throws {
        state.withLock { $0.answers = answers }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            defer { close(descriptor) }
            while true {
                let peer = accept(descriptor, nil, nil)
                guard peer >= 0 else { return }
                guard let server = self else {
                    close(peer)
                    return
                }
                Thread.detachNewThread {
                    server.serve(peer)
                    close(peer)
                }
            }
        }
    }

    deinit {
        release()
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// Lets requests that hang end.
    func release() { state.withLock { $0.isHanging = false } }

    private func serve(_ peer: Int32) {
        guard let (head, body) = Self.request(peer) else { return }
        let answer = state.withLock { state -> Answer in
            state.requests += 1
            return state.answers.isEmpty ? .status(200) : state.answers.removeFirst()
        }
        switch answer {
        case .cut: return
        case .garbage: Self.send(peer, "no HTTP at all\r\n\r\n")
        case .hang:
            for _ in 0..<1200 where state.withLock({ $0.isHanging }) { Thread.sleep(forTimeInterval: 0.05) }
        case .cutAfterTaking: take(head, body)
        case .status(let status, let headers, let text):
            if status == 200 { take(head, body) }
            let lines = ["HTTP/1.1 \(status) X", "Connection: close", "Content-Length: \(text.utf8.count)"]
            Self.send(peer, (lines + headers + ["", ""]).joined(separator: "\r\n") + text)
        }
    }

    /// Reads an envelope strictly and counts it.
    private func take(_ head: String, _ body: [UInt8]) {
        func complain(_ why: String) { state.withLock { $0.complaints.append(why) } }
        let lines = head.components(separatedBy: "\r\n")
        if lines.first != "POST /api/77/envelope/ HTTP/1.1" { complain("request line \(lines.first ?? "")") }
        func header(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix(name + ":") }.map {
                $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            }
        }
        if header("content-type") != "application/x-sentry-envelope" { complain("content type") }
        if header("content-encoding") != "gzip" { complain("content encoding") }
        let login = header("x-sentry-auth") ?? ""
        if !login.hasPrefix("Sentry sentry_version=7, ") || !login.hasSuffix("sentry_key=\(Self.key)") {
            complain("authentication")
        }
        guard let plain = TestCrashes.inflated(body), let envelope = try? TestEnvelope(plain),
            let id = envelope.event?["event_id"]?.string, envelope.header["event_id"]?.string == id
        else { return complain("an envelope that cannot be read, of \(body.count) bytes") }
        state.withLock {
            $0.taken[id, default: 0] += 1
            $0.minidumps[id] = envelope.minidump
        }
    }

    private static func request(_ peer: Int32) -> (head: String, body: [UInt8])? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard recv(peer, &byte, 1, 0) == 1, head.count < 1 << 16 else { return nil }
            head.append(byte)
        }
        let text = String(decoding: head.dropLast(4), as: UTF8.self)
        let length = text.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
        guard let length, length <= 30_000_000 else { return nil }
        var body = [UInt8](repeating: 0, count: length)
        var received = 0
        while received < length {
            let count = body[received...].withUnsafeMutableBytes { recv(peer, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return nil }
            received += count
        }
        return (text, body)
    }

    private static func send(_ peer: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
