import Bytes
import Foundation
import Glibc
import Synchronization

/// A way to a real server that loses, cuts and refuses requests, in the order that a seed says.
final class FaultProxy: Sendable {
    enum Fault: CaseIterable, Sendable {
        /// Refused before the server sees it.
        case unavailable, slowDown, reset
        /// Done by the server, and the answer is cut or lost.
        case cut, lost
    }

    let server: TestServer

    /// - Parameter percent: how many of the requests meet a fault.
    init(to endpoint: String, percent: Int, seed: UInt64, faults: [Fault] = Fault.allCases) throws {
        let address = endpoint.split(separator: "/").last?.split(separator: ":").map(String.init) ?? []
        guard address.count == 2, let port = UInt16(address[1]) else { throw CocoaError(.featureUnsupported) }
        let host = address[0]
        let random = Mutex(SplitMix64(seed: seed))
        server = TestServer { request, _ in
            let fault: Fault? = random.withLock { random in
                guard Int.random(in: 0..<100, using: &random) < percent else { return nil }
                return faults.randomElement(using: &random)
            }
            switch fault {
            case .unavailable: return .error(503, "ServiceUnavailable")
            case .slowDown: return .error(503, "SlowDown")
            case .reset: return .lost
            case .cut, .lost, nil: break
            }
            guard let answer = Self.forward(request, host, port) else { return .lost }
            if fault == .lost { return .lost }
            if fault == .cut { return .cut(Array(answer.prefix(answer.count / 2))) }
            return .cut(answer)
        }
    }

    /// Sends a request as it came, but for the header Connection, and returns the bytes of the answer.
    private static func forward(_ request: TestServer.Request, _ host: String, _ port: UInt16) -> [UInt8]? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr(host)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return nil }
        var lines = ["\(request.method) \(request.target) HTTP/1.1"]
        lines += request.headers.filter { $0.name != "connection" }.map { "\($0.name): \($0.value)" }
        lines += ["connection: close", "", ""]
        guard TestServer.write(descriptor, Array(lines.joined(separator: "\r\n").utf8) + request.body) else {
            return nil
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return count < 0 ? nil : answer }
            answer += chunk[..<count]
        }
    }
}
