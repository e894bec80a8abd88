import Glibc

/// The host of an address: of a `Host` header, of an `Origin`, of an address to listen on.
enum HostName {
    /// The host of `HOST`, `HOST:PORT` or `[IPV6]:PORT`, in lower case without brackets; nil if it is malformed.
    static func host(of authority: String) -> String? { split(authority)?.host }

    /// Host and port; the port is nil if there is none.
    static func split(_ authority: String) -> (host: String, port: Int?)? {
        var rest = authority[...]
        let host: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            host = rest[..<end]
            rest = rest[end...]
        }
        guard !host.isEmpty, host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            return nil
        }
        guard !rest.isEmpty else { return (host.lowercased(), nil) }
        guard rest.hasPrefix(":"), rest.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(rest.dropFirst()), (0...65_535).contains(port)
        else { return nil }
        return (host.lowercased(), port)
    }

    /// Whether a name or address means this machine, whatever a name server says.
    static func isLocal(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        guard let address = bytes(host) else { return false }
        if address.count == 4 { return address[0] == 127 }
        if address.prefix(10).allSatisfy({ $0 == 0 }), address[10] == 0xff, address[11] == 0xff {
            return address[12] == 127
        }
        return address.dropLast().allSatisfy { $0 == 0 } && address[15] == 1
    }

    /// Whether only this machine reaches a server that listens there. A name below `localhost` may be looked up.
    static func isLoopback(_ host: String) -> Bool { isLocal(host) && (host == "localhost" || isAddress(host)) }

    /// Whether it is an address, not a name. A name can be made to lead here; an address cannot.
    static func isAddress(_ host: String) -> Bool { bytes(host) != nil }

    /// Whether two texts are the same address, in whatever form they are written.
    static func isSameAddress(_ left: String, _ right: String) -> Bool {
        guard let left = bytes(left), let right = bytes(right) else { return false }
        return plain(left) == plain(right)
    }

    /// An IPv4 address that is written as an IPv6 address is the IPv4 address.
    private static func plain(_ address: [UInt8]) -> [UInt8] {
        guard address.count == 16, address.prefix(10).allSatisfy({ $0 == 0 }), address[10] == 0xff, address[11] == 0xff
        else { return address }
        return Array(address[12...])
    }

    private static func bytes(_ host: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, host, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }
}
