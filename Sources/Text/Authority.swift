/// The part of a URL between `//` and the path: a host and an optional port. Source: RFC 3986, section 3.2.
public enum Authority {
    /// Whether a client can connect to it: it names a host, and the port, if there is one, is 1 to 65535.
    public static func isUsable(_ text: some StringProtocol) -> Bool {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")), end > rest.startIndex + 1 else { return false }
            rest = rest[(end + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return false }
        } else {
            let host = rest.prefix { $0 != UInt8(ascii: ":") }
            guard !host.isEmpty else { return false }
            rest = rest.dropFirst(host.count)
        }
        guard rest.popFirst() != nil else { return true }
        guard rest.count <= 5, rest.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return false
        }
        return (1...65_535).contains(rest.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
    }
}
