/// Who is let in.
public struct ServerAccess: Sendable {
    /// The tokens; nil for none.
    public var tokens: TokenFile?
    /// The header in which a proxy says who the user is, such as `X-Forwarded-User`; nil if none does.
    public var userHeader: String?
    /// The addresses of proxies. Only they are believed.
    public var proxies: [String] = []
    /// What users of a proxy may do.
    public var proxyRoles: Set<ServerRole> = [.read, .triage]
    /// Names in the `Host` header that are accepted beside those of the address.
    public var hosts: [String] = []
    /// The name of the user of this machine, who needs no token on a server that only this machine reaches.
    public var localName = "local"

    /// Lets in the user of this machine.
    public init() {}

    /// Whether somebody must say who they are.
    var isRequired: Bool { tokens != nil || userHeader != nil }

    /// Whether a server may listen on this host: on one that other machines reach, only if somebody must say who they
    /// are.
    public func allowsListening(on host: String) -> Bool {
        HostName.isLoopback(host) || tokens != nil || userHeader != nil && !proxies.isEmpty
    }
}
