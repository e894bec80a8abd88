import Glibc

/// A small client over a socket that shows what the server really sends: lengths, chunks, endings.
struct WireClient: Sendable {
    enum Ending: Sendable, Equatable {
        /// The length was met or the last chunk came.
        case complete
        /// The connection was closed before.
        case short
        /// The connection was reset.
        case reset
        /// Nothing arrived within the test's time limit.
        case silent
    }

    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var ending: Ending
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Trouble: Error { var what: String }

    let port: UInt16
    var token: String? = "sandbox"
    var host = "localhost"

    init(url: String, token: String? = "sandbox") {
        port = url.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
        self.token = token
    }

    /// Blocking sockets stay off the thread pool of Swift's tasks. Every response is checked against the description.
    func ask(
        _ method: String, _ path: String, json: String? = nil, patience: Int = 30, stopAfter: Int? = nil
    ) async throws -> Answer {
        let answer = try await withCheckedThrowingContinuation { continuation in
            let thread = Detached {
                continuation.resume(
                    with: Result {
                        try exchange(method, path, json: json, patience: patience, stopAfter: stopAfter)
                    })
            }
            thread.run()
        }
        Conformity.check(method, path, answer)
        return answer
    }

    private func exchange(
        _ method: String, _ path: String, json: String?, patience: Int, stopAfter: Int?
    ) throws -> Answer {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Trouble(what: "socket") }
        defer { close(socket) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Trouble(what: "connect: \(errno)") }
        var request = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        if let token { request += "Authorization: Bearer \(token)\r\n" }
        if let json { request += "Content-Type: application/json\r\nContent-Length: \(json.utf8.count)\r\n" }
        request += "\r\n" + (json ?? "")
        let bytes = Array(request.utf8)
        guard send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Trouble(what: "send")
        }
        return try receive(socket, method: method, stopAfter: stopAfter)
    }

    private func receive(_ socket: Int32, method: String, stopAfter: Int?) throws -> Answer {
        var parser = AnswerParser(hasBody: method != "HEAD")
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count > 0 {
                parser.take(buffer[..<count])
                if parser.isComplete { return try parser.answer(.complete) }
                if let stopAfter, parser.body.count >= stopAfter { return try parser.answer(.silent) }
            } else if count == 0 {
                return try parser.answer(.short)
            } else if errno == ECONNRESET {
                return try parser.answer(.reset)
            } else if errno != EINTR {
                return try parser.answer(.silent)
            }
        }
    }
}

/// Reads one HTTP/1.1 answer.
struct AnswerParser {
    private var raw: [UInt8] = []
    private var head: (status: Int, headers: [String: String])?
    private(set) var body: [UInt8] = []
    private(set) var isComplete = false
    private let hasBody: Bool

    init(hasBody: Bool) { self.hasBody = hasBody }

    mutating func take(_ bytes: ArraySlice<UInt8>) {
        raw += bytes
        if head == nil { readHead() }
        guard let head else { return }
        if !hasBody || head.status == 204 {
            isComplete = true
        } else if head.headers["transfer-encoding"] == "chunked" {
            while readChunk() {}
        } else {
            body += raw
            raw = []
            isComplete = body.count >= Int(head.headers["content-length"] ?? "") ?? .max
        }
    }

    func answer(_ ending: WireClient.Ending) throws -> WireClient.Answer {
        guard let head else { throw WireClient.Trouble(what: "no answer: \(ending)") }
        return .init(status: head.status, headers: head.headers, body: body, ending: ending)
    }

    private mutating func readHead() {
        guard let end = raw.indices.first(where: { raw[$0...].starts(with: [13, 10, 13, 10]) }) else { return }
        let lines = String(decoding: raw[..<end], as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            headers[halves[0].lowercased()] = String(halves[1].drop { $0 == " " })
        }
        let words = lines.first?.split(separator: " ") ?? []
        head = (words.count > 1 ? Int(words[1]) ?? 0 : 0, headers)
        raw = Array(raw[(end + 4)...])
    }

    private mutating func readChunk() -> Bool {
        guard !isComplete, let end = raw.indices.first(where: { raw[$0...].starts(with: [13, 10]) }),
            let size = Int(String(decoding: raw[..<end], as: UTF8.self), radix: 16), raw.count >= end + 2 + size + 2
        else { return false }
        body += raw[(end + 2)..<(end + 2 + size)]
        raw = Array(raw[(end + 4 + size)...])
        isComplete = size == 0
        return !isComplete
    }
}

/// A thread that runs one closure.
private final class Detached: Sendable {
    private let work: @Sendable () -> Void

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    func run() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Detached>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }
}
