import Foundation
import Glibc

/// An HTTP server that answers each request with a body that does not end.
final class StubbornServer: Sendable {
    /// How it keeps a client waiting.
    enum Manner: Sendable {
        /// Bytes without end, as fast as they are read.
        case endless
        /// A byte now and then, without end.
        case trickling
        /// Nothing at all.
        case silent
    }

    let url: String
    private let listener: Int32

    init(_ manner: Manner) throws {
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
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        Thread.detachNewThread {
            defer { close(descriptor) }
            while true {
                let peer = accept(descriptor, nil, nil)
                guard peer >= 0 else { return }
                Thread.detachNewThread { Self.serve(peer, manner) }
            }
        }
    }

    /// Ends the listener; connections end with their clients.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(_ peer: Int32, _ manner: Manner) {
        defer { close(peer) }
        let head = Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8)
        let piece = [UInt8](repeating: 0, count: 1 << 16)
        func sent(_ bytes: ArraySlice<UInt8>) -> Bool {
            bytes.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, 0x4000) } > 0
        }
        if manner == .silent {
            // Until the client goes.
            var byte: UInt8 = 0
            while recv(peer, &byte, 1, 0) > 0 {}
            return
        }
        guard sent(head[...]) else { return }
        while sent(manner == .endless ? piece[...] : piece.prefix(1)) {
            if manner == .trickling { usleep(50_000) }
        }
    }
}
