import Foundation
import Glibc
import Synchronization

/// An HTTP proxy over plain sockets that opens tunnels: two threads per connection.
final class ConnectProxy: Sendable {
    private let server: Mutex<RawServer?> = Mutex(nil)
    private let tunnels = Mutex<[String]>([])
    private let logins = Mutex<[String]>([])

    /// Where tunnels were opened to, as `host:port`.
    var opened: [String] { tunnels.withLock { $0 } }
    /// What was sent as `Proxy-Authorization`.
    var authorizations: [String] { logins.withLock { $0 } }
    let port: Int

    /// - Parameter login: what `Proxy-Authorization` must be; nil takes everybody.
    init(login: String? = nil) {
        let proxy = Weak()
        let server = RawServer { request, peer in
            guard let owner = proxy.owner else { return .close }
            return owner.serve(request, peer, login)
        }
        port = server.port
        self.server.withLock { $0 = server }
        proxy.owner = self
    }

    func stop() { server.withLock { $0?.stop() } }

    private final class Weak: @unchecked Sendable {
        weak var owner: ConnectProxy?
    }

    private func serve(_ request: RawServer.Request, _ peer: RawServer.Peer, _ login: String?) -> RawServer.Next {
        if let sent = request.headers["proxy-authorization"] { logins.withLock { $0.append(sent) } }
        guard request.method == "CONNECT" else {
            peer.respond("405 Method Not Allowed")
            return .close
        }
        if let login, request.headers["proxy-authorization"] != login {
            peer.respond("407 Proxy Authentication Required")
            return .close
        }
        let parts = request.target.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]), let far = Self.connected(port) else {
            peer.respond("502 Bad Gateway")
            return .close
        }
        tunnels.withLock { $0.append(request.target) }
        peer.write("HTTP/1.1 200 Connection established\r\n\r\n")
        let near = peer.descriptor
        let back = Thread { Self.pump(far, near) }
        back.start()
        Self.pump(near, far)
        while !back.isFinished { usleep(1000) }
        close(far)
        return .close
    }

    /// A connection to a port of this machine; the tests go nowhere else.
    private static func connected(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private static func pump(_ source: Int32, _ target: Int32) {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(source, &bytes, bytes.count, 0)
            guard count > 0, RawServer.Peer(descriptor: target).write(Array(bytes[..<count])) else { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_RDWR))
    }
}
